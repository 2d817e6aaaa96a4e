package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/document"
	"github.com/kedgedb/kedge/schema/snapshot"
)

// snapshotFlags are the flags of snapshot.
type snapshotFlags struct {
	format           string
	out              string
	from             string
	check            bool
	noOwner          bool
	noGrants         bool
	schemas, exclude []string
}

// snapshotFormat is a way to write a schema down.
type snapshotFormat struct {
	name, about string
	write       func(*schema.Model, snapshot.Options) (string, error) // nil for the folder
}

func snapshotFormats() []snapshotFormat {
	return []snapshotFormat{
		{"sql", "one script that psql loads", snapshot.SQL},
		{"dir", "the same, a file an object", nil},
		{"json", "the model itself, which diff and drift read back", func(m *schema.Model, _ snapshot.Options) (string, error) {
			text, err := snapshot.JSON(m)
			return string(text), err
		}},
		{"markdown", "a page for reading, with a diagram that GitHub draws", drawn(document.Markdown)},
		{"mermaid", "an entity-relationship diagram in Mermaid's words", drawn(document.Mermaid)},
		{"svg", "the diagram as a picture", drawn(document.SVG)},
		{"html", "one page: searchable, linked, the diagram zoomable", drawn(document.HTML)},
	}
}

// drawn is a format of package document, which knows no options.
func drawn(write func(*schema.Model) (string, error)) func(*schema.Model, snapshot.Options) (string, error) {
	return func(m *schema.Model, _ snapshot.Options) (string, error) { return write(m) }
}

func formatNames() []string {
	var names []string
	for _, f := range snapshotFormats() {
		names = append(names, f.name)
	}
	return names
}

func snapshotCommand(a *app) *cobra.Command {
	var f snapshotFlags
	var about strings.Builder
	for _, format := range snapshotFormats() {
		fmt.Fprintf(&about, "  %-10s %s\n", format.name, format.about)
	}
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "Write the schema down for review",
		Long: `Writes down the schema of the environment's database, or of another state, the
same byte for byte from every server that holds the same schema.

` + about.String() + `
--check compares with what is kept and ends with 2 when that is stale.

--from takes what diff takes. ` + statesHelp,
		Example: `  kedge snapshot --out schema --format dir
  kedge snapshot --from migrations --check
  kedge snapshot --url postgres://localhost/shop --format markdown > SCHEMA.md`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.snapshot(cmd.Context(), &f)
		},
	}
	cmd.Flags().StringVar(&f.format, "format", "", strings.Join(formatNames(), ", ")+" (default: by the name of --out, else sql)")
	cmd.Flags().StringVar(&f.out, "out", "", "the file or folder to write (default: standard output)")
	cmd.Flags().StringVar(&f.from, "from", "", "the state to write down (default: the environment's database)")
	cmd.Flags().BoolVar(&f.check, "check", false, "compare with the kept snapshot (--out, else the project's) and change nothing")
	cmd.Flags().BoolVar(&f.noOwner, "no-owner", false, "leave owners out")
	cmd.Flags().BoolVar(&f.noGrants, "no-grants", false, "leave grants out")
	cmd.Flags().StringArrayVar(&f.schemas, "schema", nil, "only schemas that match this pattern, as in pg_dump")
	cmd.Flags().StringArrayVar(&f.exclude, "exclude", nil, "no objects that match this pattern: SCHEMA.NAME or NAME")
	return cmd
}

func (a *app) snapshot(ctx context.Context, f *snapshotFlags) error {
	out, err := a.snapshotPlace(f)
	if err != nil {
		return err
	}
	format, err := f.chosen(out)
	if err != nil {
		return err
	}
	m, err := a.snapshotModel(ctx, f)
	if err != nil {
		return err
	}
	whole := m
	if m, err = f.filter(whole); err != nil {
		return err
	}
	for _, id := range needed(whole, m) {
		a.warn("%s is left out, and what is written needs it", id)
	}
	a.reportUnmodelled(m)
	options := snapshot.Options{}
	if f.noOwner {
		options.Without |= schema.WithoutOwners
	}
	if f.noGrants {
		options.Without |= schema.WithoutGrants
	}
	files, err := format.files(m, options, out)
	if err != nil {
		return err
	}
	switch {
	case f.check:
		return a.checkSnapshot(out, format, files)
	case out == "":
		if _, err := fmt.Fprint(a.out, files[0].Text); err != nil {
			return fmt.Errorf("writing the snapshot: %w", err)
		}
		return nil
	default:
		return a.writeSnapshot(out, format, files)
	}
}

// snapshotPlace is where the snapshot is written or kept, absolute; "" is
// standard output.
func (a *app) snapshotPlace(f *snapshotFlags) (string, error) {
	if f.out != "" || !f.check {
		return a.path(f.out), nil
	}
	project, err := a.loadProject()
	if err != nil {
		return "", err
	}
	if project.Snapshot == "" {
		return "", usagef("--check needs a kept snapshot: name it with --out, or set snapshot: in kedge.yaml")
	}
	return project.Snapshot, nil
}

// chosen is the format by its name, or by what the place looks like.
func (f *snapshotFlags) chosen(out string) (snapshotFormat, error) {
	name := f.format
	if name == "" {
		name = guessFormat(out)
	}
	formats := snapshotFormats()
	i := slices.IndexFunc(formats, func(s snapshotFormat) bool { return s.name == name })
	if i < 0 {
		return snapshotFormat{}, usagef("--format %s: expected one of %s", name, strings.Join(formatNames(), ", "))
	}
	if formats[i].write == nil && out == "" {
		return snapshotFormat{}, usagef("--format dir writes a folder: name it with --out")
	}
	return formats[i], nil
}

func guessFormat(out string) string {
	switch strings.ToLower(filepath.Ext(out)) {
	case ".json":
		return "json"
	case ".md":
		return "markdown"
	case ".mmd":
		return "mermaid"
	case ".svg":
		return "svg"
	case ".html":
		return "html"
	case "":
		if out != "" {
			return "dir"
		}
	}
	return "sql"
}

func (a *app) snapshotModel(ctx context.Context, f *snapshotFlags) (*schema.Model, error) {
	switch {
	case f.from == "":
		t, err := a.target(ctx)
		if err != nil {
			return nil, err
		}
		l, err := t.live(ctx)
		if err != nil {
			return nil, err
		}
		return l.model, nil
	case isLive(f.from):
		l, err := a.liveModel(ctx, f.from)
		if err != nil {
			return nil, err
		}
		return l.model, nil
	}
	return a.keptModel(ctx, f.from, likeness{})
}

// filter leaves out what --schema and --exclude do not want.
func (f *snapshotFlags) filter(m *schema.Model) (*schema.Model, error) {
	if len(f.schemas)+len(f.exclude) == 0 {
		return m, nil
	}
	only, err := patterns(f.schemas)
	if err != nil {
		return nil, usagef("--schema: %v", err)
	}
	never, err := patterns(f.exclude)
	if err != nil {
		return nil, usagef("--exclude: %v", err)
	}
	return m.Filter(func(o schema.Object) bool {
		if !o.Parent().IsZero() {
			return true // goes with what it is a part of
		}
		id := o.ID()
		in := id.Schema
		if id.Kind == "schema" {
			in = id.Name
		}
		if len(only) > 0 && !matchAny(only, in) {
			return false
		}
		return !matchAny(never, id.Name) && !matchAny(never, id.Schema+"."+id.Name) && (id.Kind != "schema" || !matchAny(never, id.Name+".*"))
	}), nil
}

// needed are the objects that a part of a model depends on and does not have.
func needed(whole, part *schema.Model) []schema.ID {
	if part.Len() == whole.Len() {
		return nil
	}
	var list []schema.ID
	for _, o := range part.Objects() {
		for id := range whole.Dependencies(o.ID()) {
			if id.Kind != "schema" && !part.Has(id) && !slices.Contains(list, id) {
				list = append(list, id)
			}
		}
	}
	slices.SortFunc(list, schema.ID.Compare)
	return list
}

// files is a model in a format: one nameless file, or a folder's.
func (s snapshotFormat) files(m *schema.Model, o snapshot.Options, out string) ([]snapshot.File, error) {
	if s.write == nil {
		return snapshot.Files(m, o)
	}
	text, err := s.write(m, o)
	return []snapshot.File{{Path: filepath.Base(out), Text: text}}, err
}

func (a *app) writeSnapshot(out string, format snapshotFormat, files []snapshot.File) error {
	if format.write == nil {
		if err := snapshot.Write(out, files); err != nil {
			return err
		}
		a.say("wrote %s: %s", a.shown(out), count(len(files), "file"))
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return fmt.Errorf("writing the snapshot: %w", err)
	}
	if err := os.WriteFile(out, []byte(files[0].Text), 0o644); err != nil {
		return fmt.Errorf("writing the snapshot: %w", err)
	}
	a.say("wrote %s", a.shown(out))
	return nil
}

// checkSnapshot shows how the kept snapshot differs from what it should be.
func (a *app) checkSnapshot(out string, format snapshotFormat, fresh []snapshot.File) error {
	kept, err := keptFiles(out, format)
	if err != nil {
		return err
	}
	old := map[string]string{}
	for _, f := range kept {
		old[f.Path] = f.Text
	}
	var stale []string
	var shown bytes.Buffer
	for _, f := range fresh {
		text, there := old[f.Path]
		delete(old, f.Path)
		if text == f.Text {
			continue
		}
		stale = append(stale, f.Path)
		name := f.Path
		if !there {
			name = "/dev/null"
		}
		shown.Write(diff.Diff("kept/"+name, []byte(text), "now/"+f.Path, []byte(f.Text)))
	}
	for path, text := range old {
		stale = append(stale, path)
		shown.Write(diff.Diff("kept/"+path, []byte(text), "now/dev/null", nil))
	}
	slices.Sort(stale)
	if a.flags.json {
		if err := a.document(struct {
			Stale bool     `json:"stale"`
			Files []string `json:"files"`
		}{len(stale) > 0, append([]string{}, stale...)}); err != nil {
			return err
		}
		return found(len(stale) > 0)
	}
	if len(stale) == 0 {
		a.say("%s is up to date", a.shown(out))
		return nil
	}
	a.result("%s", strings.TrimRight(visible(shown.String()), "\n"))
	a.say("\n%s is stale in %s: write it anew with kedge snapshot --out %s", a.shown(out), count(len(stale), "file"), a.shown(out))
	return found(true)
}

func keptFiles(out string, format snapshotFormat) ([]snapshot.File, error) {
	if format.write == nil {
		return snapshot.Kept(out)
	}
	text, err := os.ReadFile(out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the kept snapshot: %w", err)
	}
	return []snapshot.File{{Path: filepath.Base(out), Text: string(text)}}, nil
}
