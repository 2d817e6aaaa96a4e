package environments

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// place is where a value was said.
type place struct {
	file string // or what else it came from, such as "KEDGE_URL"
	line int
}

// layer is what one source of configuration says.
type layer struct {
	name    string               // the file, or what it is
	values  map[string]string    // by key, for keys that are single values
	texts   map[string]textsOf   // by key
	ignores map[string]ignoresOf // by key
	flags   map[string]string    // by flag, for files that set one
	places  map[string]place     // by key
}

type (
	textsOf   map[string]string
	ignoresOf []Ignore
)

func newLayer(name string) *layer {
	return &layer{
		name: name, values: map[string]string{}, texts: map[string]textsOf{}, ignores: map[string]ignoresOf{},
		flags: map[string]string{}, places: map[string]place{},
	}
}

// fileReader reads one file's layer.
type fileReader struct {
	layer     *layer
	isProject bool     // kedge.yaml, in which all keys may stand
	flagNames []string // flags that may stand there as keys, with underscores
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// readLayer reads a file. Whatever is wrong with it is a *ConfigError with its line.
func readLayer(path string, isProject bool, flagNames []string) (*layer, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	return parseLayer(path, content, isProject, flagNames)
}

func parseLayer(path string, content []byte, isProject bool, flagNames []string) (*layer, error) {
	r := &fileReader{layer: newLayer(path), isProject: isProject, flagNames: flagNames}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var document yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return r.layer, nil
	}
	if err != nil {
		return nil, r.syntaxError(err)
	}
	if err := decoder.Decode(new(yaml.Node)); err == nil {
		return nil, &ConfigError{File: path, Message: "a second document begins; one file is one document"}
	} else if !errors.Is(err, io.EOF) {
		return nil, r.syntaxError(err)
	}
	if err := r.readMapping("", document.Content[0]); err != nil {
		return nil, err
	}
	return r.layer, nil
}

// syntaxError turns "yaml: line 3: did not find …" into an error with a line.
func (r *fileReader) syntaxError(err error) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := yamlLine.FindStringSubmatchIndex(message); m != nil {
		line, _ = strconv.Atoi(message[m[2]:m[3]]) // digits only
		message = message[:m[0]] + message[m[1]:]
	}
	return &ConfigError{File: r.layer.name, Line: line, Message: "not valid YAML: " + Redact(message)}
}

func (r *fileReader) errorAt(node *yaml.Node, key, hint, format string, args ...any) error {
	return &ConfigError{File: r.layer.name, Line: node.Line, Key: key, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// pairs returns a mapping's keys and values, in order. Null is an empty mapping.
func (r *fileReader) pairs(prefix string, node *yaml.Node) ([][2]*yaml.Node, error) {
	node = resolve(node)
	if isNull(node) {
		return nil, nil
	}
	what := strings.TrimSuffix(prefix, ".")
	if node.Kind != yaml.MappingNode {
		if what == "" {
			return nil, r.errorAt(node, "", "", "a list of `key: value` is expected")
		}
		return nil, r.errorAt(node, what, "for example "+what+": {name: value}", "%s takes `name: value` pairs", what)
	}
	var pairs [][2]*yaml.Node
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := resolve(node.Content[i]), resolve(node.Content[i+1])
		if name.Kind != yaml.ScalarNode {
			return nil, r.errorAt(name, what, "", "a key is a name")
		}
		if line, ok := seen[name.Value]; ok {
			return nil, r.errorAt(name, prefix+name.Value, "", "%s is set twice, first in line %d", prefix+name.Value, line)
		}
		seen[name.Value] = name.Line
		pairs = append(pairs, [2]*yaml.Node{name, value})
	}
	return pairs, nil
}

func resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }

func (r *fileReader) readMapping(prefix string, node *yaml.Node) error {
	pairs, err := r.pairs(prefix, node)
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		if err := r.readPair(prefix+pair[0].Value, pair[0], pair[1]); err != nil {
			return err
		}
	}
	return nil
}

func (r *fileReader) readPair(name string, at, value *yaml.Node) error {
	k, known := keyNamed(name)
	switch {
	case known && k.scope == inProject && !r.isProject:
		return r.errorAt(at, name, "move it there", "%s belongs in kedge.yaml: it is the same for all environments", name)
	case known:
		return r.readValue(k, at, value)
	case slices.ContainsFunc(keys, func(k key) bool { return strings.HasPrefix(k.name, name+".") }):
		return r.readMapping(name+".", value)
	case r.isProject && slices.Contains(r.flagNames, name) && !slices.Contains(choosingFlags, name):
		if value.Kind != yaml.ScalarNode {
			return r.errorAt(value, name, "", "%s takes one value", name)
		}
		r.layer.flags[name] = value.Value
		return nil
	}
	near := keyInsteadOf[name]
	if near == "" {
		near = nearest(name, r.allowed())
	}
	hint := ""
	if near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return r.errorAt(at, name, hint, "unknown key %q", name)
}

// allowed are the names that may stand in the file.
func (r *fileReader) allowed() []string {
	var names []string
	for _, k := range keys {
		if r.isProject || k.scope == inBoth {
			names = append(names, k.name)
			if group, _, ok := strings.Cut(k.name, "."); ok && !slices.Contains(names, group) {
				names = append(names, group)
			}
		}
	}
	if r.isProject {
		names = append(names, r.flagNames...)
	}
	return names
}

func (r *fileReader) readValue(k key, at, value *yaml.Node) error {
	r.layer.places[k.name] = place{file: r.layer.name, line: at.Line}
	switch k.kind {
	case texts:
		m, err := r.readTexts(k.name, value)
		if err != nil {
			return err
		}
		r.layer.texts[k.name] = m
	case ignores:
		list, err := r.readIgnores(k.name, value)
		if err != nil {
			return err
		}
		r.layer.ignores[k.name] = list
	default:
		if value.Kind != yaml.ScalarNode {
			return r.errorAt(value, k.name, "", "%s takes one value", k.name)
		}
		if !isNull(value) {
			r.layer.values[k.name] = value.Value
		}
	}
	return nil
}

func (r *fileReader) readTexts(name string, node *yaml.Node) (map[string]string, error) {
	pairs, err := r.pairs(name+".", node)
	if err != nil {
		return nil, err
	}
	m := map[string]string{}
	for _, pair := range pairs {
		if pair[1].Kind != yaml.ScalarNode {
			return nil, r.errorAt(pair[1], name, "", "%s.%s takes one value", name, pair[0].Value)
		}
		m[pair[0].Value] = pair[1].Value
	}
	return m, nil
}

func (r *fileReader) readIgnores(name string, node *yaml.Node) ([]Ignore, error) {
	if isNull(node) {
		return nil, nil
	}
	if node.Kind != yaml.SequenceNode {
		return nil, r.errorAt(node, name, `for example [{kind: table, name: "partman.*", reason: "made by pg_partman"}]`, "%s takes a list", name)
	}
	var list []Ignore
	for _, item := range node.Content {
		ignore, err := r.readIgnore(name, resolve(item))
		if err != nil {
			return nil, err
		}
		list = append(list, ignore)
	}
	return list, nil
}

func (r *fileReader) readIgnore(name string, node *yaml.Node) (Ignore, error) {
	ignore := Ignore{File: r.layer.name, Line: node.Line}
	until := ""
	fields := map[string]*string{
		"kind": &ignore.Kind, "name": &ignore.Name, "schema": &ignore.Schema, "owner": &ignore.Owner,
		"extension": &ignore.Extension, "property": &ignore.Property, "reason": &ignore.Reason, "until": &until,
	}
	pairs, err := r.pairs(name+".", node)
	if err != nil {
		return Ignore{}, err
	}
	for _, pair := range pairs {
		field, ok := fields[pair[0].Value]
		if !ok {
			hint := ""
			if near := nearest(pair[0].Value, sortedKeys(fields)); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			return Ignore{}, r.errorAt(pair[0], name, hint, "unknown key %q in %s", pair[0].Value, name)
		}
		if pair[1].Kind != yaml.ScalarNode {
			return Ignore{}, r.errorAt(pair[1], name, "", "%s.%s takes one value", name, pair[0].Value)
		}
		*field = pair[1].Value
	}
	if ignore.Reason == "" {
		return Ignore{}, r.errorAt(node, name, `add reason: "…"`, "an exception from drift needs a reason")
	}
	if ignore.matchesAll() {
		return Ignore{}, r.errorAt(node, name, "add kind, name, schema, owner, extension or property", "an exception from drift must say what it is about")
	}
	if until != "" {
		if ignore.Until, err = parseDate(until); err != nil {
			return Ignore{}, r.errorAt(node, name, "write it as 2027-01-31", "until: %q is no date", until)
		}
	}
	return ignore, nil
}
