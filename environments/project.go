package environments

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/viper"
)

// ProjectFile is the name of a project's configuration file.
const ProjectFile = "kedge.yaml"

// Options is what the caller of Load knows. The zero value looks for a project from the working folder upward.
type Options struct {
	Dir     string            // working folder: relative paths of flags start there; empty is the process's
	Project string            // folder of kedge.yaml; empty: searched for upward from Dir, like git does
	Env     string            // name of the environment; empty: KEDGE_ENV, else the project's default
	URL     string            // database, in place of the environment's
	Source  string            // migrations, in place of the project's
	Flags   map[string]string // other flags that were given, by name ("lock-timeout"); those that are no key are passed over
	Environ []string          // environment variables, "NAME=value"; nil is the process's
	// FlagNames are the flags that kedge.yaml may set besides its own keys; Project.Flag tells what it says.
	FlagNames []string
}

// Project is what a repository says about its migrations, and the environment that was chosen. Paths are absolute.
type Project struct {
	Root               string            // folder of kedge.yaml; the working folder when there is none
	File               string            // kedge.yaml; empty when there is none
	Migrations         string            // a folder or a golang-migrate source URL; empty when nobody said
	Snapshot           string            // where the snapshot is kept; empty when nobody said
	EnvironmentsDir    string            // folder of the environments' files
	DefaultEnvironment string            // the environment when none is named
	Format             string            // how migration files are named; empty: found by looking
	HistorySchema      string            // database schema of kedge's history
	Lint               Lint              // how migrations are judged
	Postgres           Postgres          // kedge's own servers
	Environment        *Environment      // the chosen one
	flags              map[string]string // flags that kedge.yaml sets

	opt     Options
	environ map[string]string
	file    *layer // kedge.yaml
	over    *layer // KEDGE_ variables
	flag    *layer // flags
}

// Lint is how migrations are judged.
type Lint struct {
	Rules map[string]string // severity (off, notice, warning, error) by rule, where it differs from the rule's own
}

// Postgres says which PostgreSQL kedge's own servers run.
type Postgres struct {
	Major int    // 0 is any
	Bin   string // folder of the server's programs; empty: looked for
}

// Load reads the project's configuration and that of the chosen environment. Without a kedge.yaml it is what the
// options and the environment variables say. Everything wrong with it is a *ConfigError.
//
// Precedence: flag, environment variable (KEDGE_LOCK_TIMEOUT for lock_timeout), environment's file, kedge.yaml, default.
func Load(opt Options) (*Project, error) {
	p := &Project{opt: opt, environ: environMap(opt.Environ), file: newLayer(ProjectFile), flags: map[string]string{}}
	if err := p.findFile(); err != nil {
		return nil, err
	}
	if p.File != "" {
		file, err := readLayer(p.File, true, opt.FlagNames)
		if err != nil {
			return nil, err
		}
		p.file, p.flags = file, file.flags
	}
	p.over, p.flag = variablesLayer(p.environ), flagsLayer(opt)
	if err := p.settle(); err != nil {
		return nil, err
	}
	var err error
	p.Environment, err = p.choose()
	return p, err
}

func environMap(environ []string) map[string]string {
	if environ == nil {
		environ = os.Environ()
	}
	m := make(map[string]string, len(environ))
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		m[name] = value
	}
	return m
}

// findFile finds kedge.yaml and the project's root.
func (p *Project) findFile() error {
	dir, err := filepath.Abs(p.opt.Dir)
	if err != nil {
		return fmt.Errorf("finding the working folder: %w", err)
	}
	p.opt.Dir, p.Root = dir, dir
	if p.opt.Project != "" {
		p.Root = absolute(dir, p.opt.Project)
		file := filepath.Join(p.Root, ProjectFile)
		if !isFile(file) {
			return &ConfigError{File: file, Message: "there is no such file", Hint: "--project is the folder that holds kedge.yaml; kedge init makes one"}
		}
		p.File = file
		return nil
	}
	for up := dir; ; up = filepath.Dir(up) {
		if file := filepath.Join(up, ProjectFile); isFile(file) {
			p.Root, p.File = up, file
			return nil
		}
		if up == filepath.Dir(up) {
			return nil
		}
	}
}

func absolute(base, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
}

// variableName is the environment variable of a key or flag.
func variableName(name string) string {
	return "KEDGE_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(name))
}

func variablesLayer(environ map[string]string) *layer {
	l := newLayer("the environment's variables")
	set := func(variable, key string) {
		if value, ok := environ[variable]; ok && value != "" {
			l.values[key], l.places[key] = value, place{file: variable}
		}
	}
	for _, k := range keys {
		if k.kind != texts && k.kind != ignores {
			set(variableName(k.name), k.name)
		}
	}
	for flag, key := range flagKeys {
		set(variableName(flag), key)
	}
	return l
}

func flagsLayer(opt Options) *layer {
	l := newLayer("the command line")
	set := func(flag, value string) {
		name := flagKeys[flag]
		for _, k := range keys {
			if strings.NewReplacer(".", "-", "_", "-").Replace(k.name) == flag && k.kind != texts && k.kind != ignores {
				name = k.name
			}
		}
		if name != "" {
			l.values[name], l.places[name] = value, place{file: "--" + flag}
		}
	}
	for flag, value := range opt.Flags {
		set(flag, value)
	}
	for flag, value := range map[string]string{"url": opt.URL, "source": opt.Source} {
		if value != "" {
			set(flag, value)
		}
	}
	return l
}

// settle works out the project's own keys.
func (p *Project) settle() error {
	s, err := p.settings(p.file, p.over, p.flag)
	if err != nil {
		return err
	}
	p.Migrations, p.Snapshot = s.location("migrations"), s.location("snapshot")
	if p.File == "" && s.places["migrations"] == (place{}) {
		p.Migrations = "" // an empty folder has no migrations until somebody says where
	}
	p.EnvironmentsDir, p.DefaultEnvironment = s.location("environments"), s.text("default_environment")
	p.Format, p.HistorySchema = s.text("format"), s.text("history.schema")
	p.Postgres = Postgres{Major: s.number("postgres.version"), Bin: s.location("postgres.bin")}
	p.Lint = Lint{Rules: s.texts("lint.rules")}
	if p.HistorySchema == "" {
		s.fail("history.schema", "name a schema, such as kedge", "history.schema is empty")
	}
	if m := p.Postgres.Major; m != 0 && m < oldestMajor {
		s.fail("postgres.version", fmt.Sprintf("kedge knows %d to %d", oldestMajor, newestMajor), "postgres.version: %d is too old", m)
	}
	severities := []string{"off", "notice", "warning", "error"}
	for _, rule := range sortedKeys(p.Lint.Rules) {
		if severity := p.Lint.Rules[rule]; !slices.Contains(severities, severity) {
			s.fail("lint.rules", "one of "+strings.Join(severities, ", "), "lint.rules.%s: %q is no severity", rule, severity)
		}
	}
	return s.err
}

// Flag returns what kedge.yaml says for a flag of the command line, and whether it says anything.
func (p *Project) Flag(name string) (string, bool) {
	value, ok := p.flags[strings.ReplaceAll(name, "-", "_")]
	return value, ok
}

// EnvironmentNames returns the names of the environments that have a file, sorted.
func (p *Project) EnvironmentNames() ([]string, error) {
	entries, err := os.ReadDir(p.EnvironmentsDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing environments: %w", err)
	}
	var names []string
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), ".yaml"); ok && !entry.IsDir() && checkName(name) == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// choose returns the environment that this run is about. A database that was named by itself, with --url or KEDGE_URL,
// belongs to no environment unless one is named as well: dev's seed data must not come along to whatever it is.
func (p *Project) choose() (*Environment, error) {
	name, source := p.opt.Env, "--env"
	if name == "" {
		name, source = p.environ["KEDGE_ENV"], "KEDGE_ENV"
	}
	overridden := p.flag.values["url"] != "" || p.over.values["url"] != ""
	switch {
	case name != "" && overridden:
		if checkName(name) == nil && !isFile(p.environmentFile(name)) {
			return p.environment(name, newLayer(""), p.over, p.flag)
		}
		return p.readEnvironment(name, source)
	case name != "":
		return p.readEnvironment(name, source)
	case overridden:
		return p.environment("", newLayer(""), p.over, p.flag)
	}
	if err := checkName(p.DefaultEnvironment); err != nil {
		return nil, p.nameError(p.DefaultEnvironment, "default_environment", err)
	}
	if !isFile(p.environmentFile(p.DefaultEnvironment)) {
		// Many commands need no database. Connecting says what is missing.
		return p.environment(p.DefaultEnvironment, newLayer(""), p.over, p.flag)
	}
	return p.readEnvironment(p.DefaultEnvironment, "default_environment")
}

// Named returns another environment of the project, by its files alone: flags and KEDGE_ variables are about the chosen
// one.
func (p *Project) Named(name string) (*Environment, error) {
	if p.Environment != nil && p.Environment.Name == name {
		return p.Environment, nil
	}
	file, err := p.readEnvironmentFile(name, "env:"+name)
	if err != nil {
		return nil, err
	}
	return p.environment(name, file)
}

func (p *Project) environmentFile(name string) string {
	return filepath.Join(p.EnvironmentsDir, name+".yaml")
}

func (p *Project) readEnvironment(name, source string) (*Environment, error) {
	file, err := p.readEnvironmentFile(name, source)
	if err != nil {
		return nil, err
	}
	return p.environment(name, file, p.over, p.flag)
}

func (p *Project) readEnvironmentFile(name, source string) (*layer, error) {
	if err := checkName(name); err != nil {
		return nil, p.nameError(name, source, err)
	}
	path := p.environmentFile(name)
	if isFile(path) {
		return readLayer(path, false, nil)
	}
	names, err := p.EnvironmentNames()
	if err != nil {
		return nil, err
	}
	hint := fmt.Sprintf("make %s, or give --url", path)
	if near := nearest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	} else if len(names) > 0 {
		hint = "there are " + strings.Join(names, ", ")
	}
	return nil, p.nameError(name, source, errors.New("there is no environment of that name"), hint)
}

func (p *Project) nameError(name, source string, err error, hint ...string) error {
	e := &ConfigError{Key: source, Message: fmt.Sprintf("%s: %q: %v", source, name, err), Hint: strings.Join(hint, "")}
	if at, ok := p.file.places[source]; ok {
		e.File, e.Line = at.file, at.line
	}
	return e
}

// checkName keeps environment names what can be a file and a database everywhere.
func checkName(name string) error {
	if name == "" || len(name) > 60 {
		return errors.New("an environment's name has 1 to 60 characters")
	}
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("-_.", r)) {
			return errors.New("an environment's name is made of letters, digits and - _ . only")
		}
	}
	return nil
}

// settled reads values out of layers, the later the stronger. The first thing wrong is kept in err.
type settled struct {
	viper   *viper.Viper
	project *Project
	layers  []*layer
	places  map[string]place
	err     error
}

func (p *Project) settings(layers ...*layer) (*settled, error) {
	s := &settled{viper: viper.New(), project: p, layers: layers, places: map[string]place{}}
	for _, k := range keys {
		s.viper.SetDefault(k.name, k.standard)
	}
	for _, l := range layers {
		for name, value := range l.values {
			s.viper.Set(name, value)
			s.places[name] = l.places[name]
		}
		for name := range l.texts {
			s.places[name] = l.places[name]
		}
	}
	return s, nil
}

func (s *settled) fail(key, hint, format string, args ...any) {
	if s.err != nil {
		return
	}
	at := s.places[key]
	s.err = &ConfigError{File: at.file, Line: at.line, Key: key, Message: Redact(fmt.Sprintf(format, args...)), Hint: hint}
}

// text is a value with its ${VARIABLES} replaced.
func (s *settled) text(key string) string {
	value, err := expand(s.viper.GetString(key), s.project.environ)
	if err != nil {
		s.fail(key, "set it, or write ${NAME:-value} to have a default", "%s: %v", key, err)
	}
	return value
}

// location is a path made absolute: what files say starts at the project's root, what the caller says at the working
// folder. A URL stays.
func (s *settled) location(key string) string {
	value := s.text(key)
	if value == "" || strings.Contains(value, "://") {
		return value
	}
	at := s.places[key].file
	if strings.HasPrefix(at, "--") || strings.HasPrefix(at, "KEDGE_") {
		return absolute(s.project.opt.Dir, value)
	}
	return absolute(s.project.Root, value)
}

func (s *settled) duration(key string) time.Duration {
	value := s.text(key)
	d, err := parseDuration(value)
	if err != nil {
		s.fail(key, "write it as 200ms, 2s, 5m, 1h or 1d", "%s: %q is no duration", key, value)
	}
	return d
}

func (s *settled) boolean(key string) bool {
	value := s.text(key)
	switch strings.ToLower(value) {
	case "true", "yes", "on", "1":
		return true
	case "false", "no", "off", "0":
		return false
	}
	s.fail(key, "true or false", "%s: %q is neither true nor false", key, value)
	return false
}

func (s *settled) number(key string) int {
	value := s.text(key)
	var n int
	if _, err := fmt.Sscanf(value+"\n", "%d\n", &n); err != nil || n < 0 {
		s.fail(key, "a whole number", "%s: %q is no number", key, value)
	}
	return n
}

// texts is a mapping; names of a stronger layer win, those of a weaker one stay.
func (s *settled) texts(key string) map[string]string {
	merged := map[string]string{}
	for _, l := range s.layers {
		for _, name := range sortedKeys(l.texts[key]) {
			value, err := expand(l.texts[key][name], s.project.environ)
			if err != nil {
				s.fail(key, "set it, or write ${NAME:-value} to have a default", "%s.%s: %v", key, name, err)
			}
			merged[name] = value
		}
	}
	return merged
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
