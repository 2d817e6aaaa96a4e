package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/migrate/lint"
	"github.com/kedgedb/kedge/migrate/lint/rules"
	"github.com/kedgedb/kedge/schema/ddl"
)

// lintFlags are the flags of lint.
type lintFlags struct {
	since    string
	format   string
	fix      bool
	report   string
	severity string
	names    string
	postgres int
	shadow   bool
	measure  bool
}

func lintCommand(a *app) *cobra.Command {
	var f lintFlags
	cmd := &cobra.Command{
		Use:   "lint [FILE…]",
		Short: "Say what migrations will do to a live database before they do it",
		Long: `Reads SQL and says what blocks, breaks, loses data or will be regretted: files and
folders that are named (- is standard input), else the project's migrations.
Without a database it takes milliseconds. With --env or --url it looks at what is
pending there, and knows the server's version, the tables' sizes and types, and
how much they are used. With --shadow it really runs pending migrations on a
throw-away PostgreSQL and reports the locks that were taken.

Files that are named stand each for itself. The project's migrations are looked
at in order: a table that one of them makes may be altered freely in that one;
in all that are pending, or new since --since, since those are released together.

-- kedge:ignore RULE reason
before a statement, or behind it on its last line, silences one rule for it.
kedge.yaml sets severities: lint: {rules: {RULE: off|notice|warning|error}}.

Ends with 2 when there is an error or a warning; notices alone end with 0.`,
		Example: `  kedge lint migrations/20260301000000_add_index.up.sql
  kedge lint --since origin/main --format github
  kedge lint --env production
  kedge lint explain index-not-concurrent`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.lint(cmd.Context(), args, &f)
		},
	}
	cmd.Flags().StringVar(&f.since, "since", "", "only what is new or changed since this git revision")
	cmd.Flags().StringVar(&f.format, "format", "text", strings.Join(finding.FormatNames(), ", "))
	cmd.Flags().BoolVar(&f.fix, "fix", false, "write the safe form into the files where that is mechanical")
	cmd.Flags().StringVar(&f.report, "report", "", "personal-data: list the columns that are marked as personal data")
	cmd.Flags().StringVar(&f.severity, "severity", "notice", "leave out what is below notice, warning or error")
	cmd.Flags().StringVar(&f.names, "names", "", "regular expression for names of new tables, columns and indexes")
	cmd.Flags().IntVar(&f.postgres, "postgres", 0, "major version of the server, when no database says")
	cmd.Flags().BoolVar(&f.shadow, "shadow", false, "run what is looked at on a shadow, and report what was seen")
	cmd.Flags().BoolVar(&f.measure, "measure", false, "measure how fast the database reads, for estimates, by reading up to 32 MB")
	cmd.AddCommand(lintExplainCommand(a))
	return cmd
}

func lintExplainCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [RULE]",
		Short: "Show a rule's page, or the list of rules",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.listRules()
			}
			return a.explainRule(args[0])
		},
	}
}

func (a *app) listRules() error {
	if a.flags.json {
		type rule struct {
			Name        string           `json:"name"`
			Family      rules.Family     `json:"family"`
			Severity    finding.Severity `json:"severity"`
			Explanation string           `json:"explanation"`
		}
		list := []rule{}
		for _, r := range rules.Rules {
			list = append(list, rule{r.Name, r.Family, r.Severity, r.Page().Explanation})
		}
		return a.document(list)
	}
	var rows [][]cell
	for _, r := range rules.Rules {
		rows = append(rows, []cell{plain(r.Name), plain(string(r.Family)), plain(r.Severity.String())})
	}
	a.table([]string{"rule", "family", "severity"}, rows)
	return nil
}

func (a *app) explainRule(name string) error {
	r := rules.Find(name)
	if r == nil {
		var near []string
		for _, r := range rules.Rules {
			if strings.Contains(r.Name, name) {
				near = append(near, r.Name)
			}
		}
		hint := "kedge lint explain lists them"
		if len(near) > 0 {
			hint = "there is " + strings.Join(near, ", ")
		}
		return usagef("there is no rule %s: %s", name, hint)
	}
	page := r.Page()
	a.result("%s  %s, %s\n\n%s", a.paint(a.out, bold, r.Name), r.Family, r.Severity, page.Explanation)
	for _, part := range []struct{ file, title string }{{"bad.sql", "Found"}, {"fixed.sql", "Instead"}} {
		text := strings.TrimSpace(strings.ReplaceAll(page.Files[part.file], " -- want", ""))
		if text == "" || part.file == "fixed.sql" && page.Files["bad.sql"] == "" {
			continue
		}
		a.result("\n%s:\n", part.title)
		for _, line := range strings.Split(text, "\n") {
			a.result("  %s", line)
		}
	}
	return nil
}

// lintWork is what a run of lint looks at.
type lintWork struct {
	files   []lint.File
	options lint.Options
	target  *target // nil without a project or a database
	fixable bool    // the files may be written
	pending []*migrate.Migration
}

func (a *app) lint(ctx context.Context, args []string, f *lintFlags) error {
	work, err := a.lintWork(ctx, args, f)
	if err != nil {
		return err
	}
	if f.report != "" {
		return a.reportPersonalData(work, f)
	}
	if f.shadow {
		if err := a.traceWork(ctx, work); err != nil {
			return err
		}
	}
	result := lint.Run(work.files, work.options)
	if f.fix {
		fixed, err := a.fixFiles(work, result)
		if err != nil {
			return err
		}
		if fixed {
			result = lint.Run(work.files, work.options)
		}
	}
	if len(result.Findings) == 0 && f.format == "text" {
		a.say("%s: no findings", count(countLooked(work.files), "file"))
	}
	if err := a.showFindings(result.Findings, f.format, explainFinding); err != nil {
		if f.format == "text" && !a.flags.json {
			a.say("\n%s", finding.Summary(result.Findings))
		}
		return err
	}
	return nil
}

func countLooked(files []lint.File) int {
	n := 0
	for _, f := range files {
		if !f.Earlier {
			n++
		}
	}
	return n
}

func explainFinding(rule string) string {
	if r := rules.Find(rule); r != nil {
		return r.Page().Explanation
	}
	return ""
}

// lintOptions are what the flags and the project say.
func (a *app) lintOptions(f *lintFlags) (lint.Options, error) {
	var o lint.Options
	if !slices.Contains(finding.FormatNames(), f.format) {
		return o, usagef("--format %s: expected one of %s", f.format, strings.Join(finding.FormatNames(), ", "))
	}
	if f.report != "" && f.report != "personal-data" {
		return o, usagef("--report %s: expected personal-data", f.report)
	}
	minimum, err := finding.ParseSeverity(f.severity)
	if err != nil || minimum == finding.Off {
		return o, usagef("--severity %s: expected notice, warning or error", f.severity)
	}
	o.Minimum, o.Major = minimum, ddl.Major(f.postgres)
	if f.names != "" {
		pattern, err := regexp.Compile(f.names)
		if err != nil {
			return o, usagef("--names: %v", err)
		}
		o.Names = pattern.MatchString
	}
	return o, nil
}

// withProject adds what the project and the environment say.
func withProject(o *lint.Options, t *target) error {
	if o.Major == 0 {
		o.Major = ddl.Major(t.project.Postgres.Major)
	}
	o.Severities = map[string]finding.Severity{}
	for name, text := range t.project.Lint.Rules {
		if rules.Find(name) == nil {
			return usagef("%s: lint.rules: there is no rule %s: kedge lint explain lists them", t.project.File, name)
		}
		severity, err := finding.ParseSeverity(text)
		if err != nil {
			return usagef("%s: lint.rules.%s: %v", t.project.File, name, err)
		}
		o.Severities[name] = severity
	}
	return nil
}

// lintWork finds the files, and asks the database where one is named.
func (a *app) lintWork(ctx context.Context, args []string, f *lintFlags) (*lintWork, error) {
	o, err := a.lintOptions(f)
	if err != nil {
		return nil, err
	}
	work := &lintWork{options: o, fixable: true}
	t, err := a.target(ctx)
	if err != nil {
		return nil, err
	}
	if err := withProject(&work.options, t); err != nil {
		return nil, err
	}
	asked := a.flags.env != "" || a.flags.url != ""
	if asked {
		if err := work.ask(ctx, t, f.measure); err != nil {
			return nil, err
		}
	}
	switch {
	case len(args) > 0 && f.since != "":
		return nil, usagef("--since looks at the project's migrations: name no files with it")
	case len(args) > 0:
		work.files, err = a.namedFiles(args)
		return work, err
	}
	work.target = t
	set, err := t.migrations(ctx)
	if err != nil {
		return nil, err
	}
	is := func(*migrate.Migration) bool { return true }
	switch {
	case f.since != "":
		branch, err := a.branchOf(ctx, t, f.since)
		if err != nil {
			return nil, err
		}
		is = func(m *migrate.Migration) bool { return branch.fresh[m.Key()] }
		work.options.Scope = lint.Together
	case asked:
		report, err := apply.Status(ctx, t.connect, set.Migrations, t.env.Name, t.options())
		if err != nil {
			return nil, err
		}
		pending := map[string]bool{}
		for _, s := range report.Migrations {
			if s.Pending() {
				pending[(&migrate.Migration{Version: s.Version, Name: s.Name, Kind: s.Kind}).Key()] = true
			}
		}
		is = func(m *migrate.Migration) bool { return pending[m.Key()] }
		work.options.Scope = lint.Together
	default:
		work.options.Scope, work.fixable = lint.OneByOne, false
	}
	for _, m := range set.Migrations {
		fresh := is(m)
		if fresh {
			work.pending = append(work.pending, m)
		}
		if !fresh && asked {
			continue // the database knows
		}
		files, err := migrationFiles(m)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if !fresh && file.Direction == migrate.Down {
				continue
			}
			file.Earlier = !fresh
			work.files = append(work.files, file)
		}
	}
	return work, nil
}

// ask learns what the target tells.
func (w *lintWork) ask(ctx context.Context, t *target, measure bool) error {
	conn, err := t.connect(ctx)
	if err != nil {
		return err
	}
	t.app.keep(conn)
	return askTarget(ctx, t, conn, &w.options, measure)
}

// keep has a connection closed at the end of the run: a target's questions go through it.
func (a *app) keep(conn *pgx.Conn) { a.kept = append(a.kept, conn) }

func (a *app) closeKept(ctx context.Context) error {
	var err error
	for _, conn := range a.kept {
		err = errors.Join(err, conn.Close(ctx))
	}
	a.kept = nil
	return err
}

func askTarget(ctx context.Context, t *target, conn *pgx.Conn, o *lint.Options, measure bool) error {
	if t.env.SearchPath != "" {
		if _, err := conn.Exec(ctx, "SET search_path = "+t.env.SearchPath); err != nil {
			return fmt.Errorf("setting search_path: %w", err)
		}
	}
	found, err := lint.ReadTarget(ctx, conn)
	if err != nil {
		return err
	}
	o.Target, o.Major = found, lint.Major(conn)
	timeout := t.env.LockTimeout
	if timeout == 0 {
		timeout = apply.DefaultLockTimeout
	}
	o.LockTimeout = &timeout
	if measure {
		speed, err := lint.MeasureReading(ctx, conn, found.Scene)
		if err != nil {
			return err
		}
		if speed > 0 {
			o.Throughput = lint.Scaled(speed)
		}
	}
	return nil
}

// migrationFiles are the scripts of a migration. Those too large to be kept in
// memory, and those written in Go, are left out.
func migrationFiles(m *migrate.Migration) ([]lint.File, error) {
	var list []lint.File
	up, err := scriptFile(m.Up, migrate.Up)
	if err != nil {
		return nil, err
	}
	down, err := scriptFile(m.Down, migrate.Down)
	if err != nil {
		return nil, err
	}
	if up != nil {
		up.Down, up.WantsDown = down, m.Kind == migrate.Versioned && m.Down == nil
		list = append(list, *up)
	}
	if down != nil {
		list = append(list, *down)
	}
	return list, nil
}

func scriptFile(s *migrate.Script, d migrate.Direction) (*lint.File, error) {
	if s == nil || s.Run != nil || s.Size > migrate.InlineLimit {
		return nil, nil
	}
	text := s.Text
	if text == "" {
		r, err := s.Open()
		if err != nil {
			return nil, fmt.Errorf("opening %s: %w", s.File, err)
		}
		defer r.Close()
		read, err := readLimited(r)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", s.File, err)
		}
		text = read
	}
	return &lint.File{Name: s.File, Text: text, Line: s.Line, Header: s.Header, Direction: d}, nil
}

// fixFiles writes the safe forms, and puts them into the work. It tells whether it wrote any.
func (a *app) fixFiles(work *lintWork, result *lint.Result) (bool, error) {
	if !work.fixable {
		return false, usagef("--fix changes files, and which of the project's are applied somewhere is not known: name files, or give --since or --env")
	}
	any := false
	for i := range work.files {
		f := &work.files[i]
		text, satisfied := result.Fixed(f.Name)
		if len(satisfied) == 0 || f.Earlier {
			continue
		}
		path := a.path(f.Name)
		now, err := os.ReadFile(path)
		if err != nil || string(now) != f.Text {
			a.warn("%s: not fixed: what was looked at is not the file as it stands (placeholders, standard input, or a part of a file)", f.Name)
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return any, fmt.Errorf("fixing %s: %w", f.Name, err)
		}
		a.say("fixed %s: %s", f.Name, strings.Join(satisfied, ", "))
		header, err := readHeader(text, f.Direction)
		if err != nil {
			return any, err
		}
		f.Text, f.Header, any = text, header, true
	}
	return any, nil
}
