package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/source"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// diffFlags are the flags of diff.
type diffFlags struct {
	from, to string
	offline  bool
	noProve  bool
	noOwner  bool
	noGrants bool
	write    string
	renames  []string
}

func diffCommand(a *app) *cobra.Command {
	var f diffFlags
	cmd := &cobra.Command{
		Use:   "diff FROM TO",
		Short: "Print the SQL that takes one schema to another",
		Long: `Prints on standard output the SQL that takes FROM to TO, ready for psql -f, and
nothing but comments when they are equal. The SQL is proven before it is
printed: FROM is rebuilt on a shadow, the SQL runs there, and what comes out
must be TO.

` + statesHelp + `
Statements are written for a database at work: indexes CONCURRENTLY, constraints
NOT VALID and validated later. --offline writes the short forms.`,
		Example: `  kedge diff env:production migrations
  kedge diff postgres://localhost/a postgres://localhost/b | psql postgres://localhost/a
  kedge diff --from migrations --to schema.sql --write add_invoices`,
		Args: cobra.RangeArgs(0, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				f.from = args[0]
			}
			if len(args) > 1 {
				f.to = args[1]
			}
			if f.from == "" || f.to == "" {
				return usagef("diff takes two states, FROM and TO\n%s", helpHint(cmd))
			}
			return a.diff(cmd.Context(), &f)
		},
	}
	cmd.Flags().StringVar(&f.from, "from", "", "the state to start from")
	cmd.Flags().StringVar(&f.to, "to", "", "the state to get to")
	cmd.Flags().BoolVar(&f.offline, "offline", false, "write the short forms, which may keep others waiting")
	cmd.Flags().BoolVar(&f.noProve, "no-prove", false, "do not run the SQL on a shadow first")
	cmd.Flags().BoolVar(&f.noOwner, "no-owner", false, "leave owners out")
	cmd.Flags().BoolVar(&f.noGrants, "no-grants", false, "leave grants out")
	cmd.Flags().StringVar(&f.write, "write", "", "write the next migration of this name: up from the diff, down from the reverse")
	cmd.Flags().StringArrayVar(&f.renames, "rename", nil, "what is a rename: table:public.a=b, column:public.t.a=b")
	return cmd
}

func (f *diffFlags) options() schema.Options {
	var o schema.Options
	if f.offline {
		o.Style = schema.Offline
	}
	if f.noOwner {
		o.Without |= schema.WithoutOwners
	}
	if f.noGrants {
		o.Without |= schema.WithoutGrants
	}
	return o
}

func (a *app) diff(ctx context.Context, f *diffFlags) error {
	from, to, like, err := a.models(ctx, f.from, f.to)
	if err != nil {
		return err
	}
	way, err := a.way(ctx, from, to, like, f)
	if err != nil {
		return err
	}
	if asked, err := a.askRenames(way, f); err != nil {
		return err
	} else if asked {
		if way, err = a.way(ctx, from, to, like, f); err != nil {
			return err
		}
	}
	a.reportUnmodelled(to)
	if f.write != "" {
		return a.writeDiff(ctx, from, to, like, way, f)
	}
	if a.flags.json {
		return a.document(way.document())
	}
	return way.script(a.out, fmt.Sprintf("from %s to %s", visible(describeState(f.from)), visible(describeState(f.to))))
}

// askRenames asks a person at a terminal about each possible rename. A yes is
// taken as --rename; without a terminal, with --json or --quiet nobody is asked.
func (a *app) askRenames(w *way, f *diffFlags) (bool, error) {
	if a.flags.json || a.flags.quiet || a.flags.yes || !a.onTerminal(a.in) || !a.onTerminal(a.err) {
		return false, nil
	}
	before := len(f.renames)
	for _, rename := range w.suggestions {
		yes, err := a.confirm("%s is gone and a new one is just like it. Is it a rename, which keeps the data?", rename)
		if err != nil {
			return false, err
		}
		if yes {
			f.renames = append(f.renames, rename)
		}
	}
	return len(f.renames) > before, nil
}

// describeState is a state without the password in its URL.
func describeState(state string) string { return firstLine(redact(state), 200) }

// reportUnmodelled says which objects kedge does not know.
func (a *app) reportUnmodelled(models ...*schema.Model) {
	for _, m := range models {
		for _, u := range m.Unmodelled {
			a.warn("%s (%s) is not modelled by kedge and was not compared", u.Description, u.Catalog)
		}
	}
}

// writeDiff writes the next migration: the diff up, the reverse diff down.
func (a *app) writeDiff(ctx context.Context, from, to *schema.Model, like likeness, up *way, f *diffFlags) error {
	if len(up.statements) == 0 {
		a.say("nothing to write: the two are equal")
		return nil
	}
	back := *f
	back.renames = reversed(f.renames)
	down, err := a.way(ctx, to, from, like, &back)
	if err != nil {
		return fmt.Errorf("working out the way back: %w", err)
	}
	return a.newMigration(source.Draft{Name: f.write}, contents{migrate.Up: up.migration(), migrate.Down: down.migration()})
}

// script prints a way for psql: what can run in a transaction in one, the rest
// by itself.
func (w *way) script(out io.Writer, title string) error {
	b := bufio.NewWriter(out)
	if len(w.statements) == 0 {
		fmt.Fprintf(b, "-- %s: no differences\n", title)
		return b.Flush()
	}
	fmt.Fprintf(b, "-- %s\n", title)
	for _, s := range w.suggestions {
		fmt.Fprintf(b, "-- perhaps a rename: --rename %s\n", s)
	}
	if text := schema.Preamble(w.statements); text != "" {
		fmt.Fprintf(b, "\n%s;\n", text)
	}
	open := false
	begin := func() {
		if !open {
			fmt.Fprintln(b, "\nBEGIN;")
			open = true
		}
	}
	end := func() {
		if open {
			fmt.Fprintln(b, "COMMIT;")
			open = false
		}
	}
	for _, s := range w.statements {
		switch s.Transaction {
		case schema.Outside:
			end()
			fmt.Fprintln(b)
		case schema.Apartly:
			end()
			begin()
		default:
			begin()
		}
		writeStatement(b, s)
	}
	end()
	return b.Flush()
}

// migration is a way as the text of a migration script: kedge itself finds what
// cannot run in a transaction.
func (w *way) migration() string {
	var b strings.Builder
	if w.needsCommits() {
		b.WriteString("-- kedge: transaction=off\n")
	}
	if text := schema.Preamble(w.statements); text != "" {
		fmt.Fprintf(&b, "%s;\n\n", text)
	}
	for i, s := range w.statements {
		if i > 0 {
			b.WriteByte('\n')
		}
		writeStatement(&b, s)
	}
	return b.String()
}

// needsCommits tells whether statements have to see that those before them were
// committed where kedge would run all in one transaction: it finds by itself
// only what PostgreSQL refuses to run in one.
func (w *way) needsCommits() bool {
	for i, s := range w.statements {
		if i > 0 && s.Transaction == schema.Apartly || s.Transaction == schema.Outside && len(w.statements) > 1 && ddl.Classify(s.SQL).Transaction != ddl.Outside {
			return true
		}
	}
	return false
}

func writeStatement(w io.Writer, s schema.Statement) {
	for _, h := range s.Hazards {
		fmt.Fprintf(w, "-- %s: %s\n", strings.ReplaceAll(string(h.Kind), "_", " "), strings.ReplaceAll(h.Message, "\n", " "))
	}
	fmt.Fprintf(w, "%s;\n", s.SQL)
}

// diffDocument is what `diff --json` prints.
type diffDocument struct {
	Statements  []diffStatement `json:"statements"`
	Changes     []diffChange    `json:"changes"`
	Suggestions []string        `json:"renames,omitempty"` // what may be a rename, as --rename takes it
}

type diffStatement struct {
	SQL           string          `json:"sql"`
	Transactional bool            `json:"transactional"`
	Hazards       []schema.Hazard `json:"hazards"`
	Lock          string          `json:"lock"`
}

type diffChange struct {
	Op         schema.Operation `json:"op"`
	Kind       schema.Kind      `json:"kind"`
	Name       string           `json:"name"`
	Properties []string         `json:"properties,omitempty"`
	Because    string           `json:"because,omitempty"`
}

func (w *way) document() diffDocument {
	d := diffDocument{Statements: make([]diffStatement, len(w.statements)), Changes: make([]diffChange, len(w.changes)), Suggestions: w.suggestions}
	for i, s := range w.statements {
		d.Statements[i] = diffStatement{s.SQL, s.Transaction != schema.Outside, append([]schema.Hazard{}, s.Hazards...), s.Lock}
	}
	for i, c := range w.changes {
		change := diffChange{Op: c.Operation, Kind: c.Object.Kind, Name: objectName(c.Object)}
		for _, p := range c.Changes {
			change.Properties = append(change.Properties, p.Property)
		}
		if !c.Because.IsZero() {
			change.Because = c.Because.String()
		}
		d.Changes[i] = change
	}
	return d
}

// objectName is an object's name as people know it: without its kind.
func objectName(id schema.ID) string {
	_, name, _ := strings.Cut(id.String(), ":")
	return name
}
