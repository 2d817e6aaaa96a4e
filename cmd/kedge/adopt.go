package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/adopt"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/source"
	"github.com/kedgedb/kedge/schema/ddl"
)

// adoptFlags are the flags of kedge adopt.
type adoptFlags struct {
	tool     string
	dryRun   bool
	keep     bool
	undo     bool
	fromLive bool
	name     string
	allow    []string
	reason   string
}

func adoptCommand(a *app) *cobra.Command {
	var f adoptFlags
	cmd := &cobra.Command{
		Use:   "adopt",
		Short: "Take over a database that another tool has migrated, or leave it again",
		Long: `Finds the history of another tool in the database by its columns, compares it
with the migration files and that tool's own checksums, shows what it would
record, and records it in one transaction. Nothing is run, and the files stay as
they are. It refuses when the tool calls a migration failed or dirty.

With --keep-in-step, kedge goes on writing the tool's rows in the transaction of
each migration, and takes the tool's lock, so that old and new programs exclude
each other. --undo brings the tool's history up to date and drops kedge's.

--from-live is for a database without any history: it writes the schema as a
baseline migration, proves on a shadow that a fresh database built from it is the same, and records it.`,
		Example: `  kedge adopt --dry-run
  kedge adopt --keep-in-step
  kedge adopt --undo
  kedge adopt --from-live`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, h := range f.allow {
				if h != "changed" && h != "missing" {
					return usagef("--allow %s: expected changed or missing", h)
				}
			}
			t, err := a.target(cmd.Context())
			if err != nil {
				return err
			}
			switch {
			case f.fromLive:
				return a.adoptLive(cmd.Context(), t, &f)
			case f.undo:
				return a.undoAdoption(cmd.Context(), t, &f)
			}
			return a.adopt(cmd.Context(), t, &f)
		},
	}
	cmd.Flags().StringVar(&f.tool, "tool", "", "the tool, where the database holds the histories of several")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what would be recorded and change nothing")
	cmd.Flags().BoolVar(&f.keep, "keep-in-step", false, "go on writing the tool's history, and take its lock")
	cmd.Flags().BoolVar(&f.undo, "undo", false, "leave kedge again: complete the tool's history, drop kedge's")
	cmd.Flags().BoolVar(&f.fromLive, "from-live", false, "write the live schema as a baseline migration")
	cmd.Flags().StringVar(&f.name, "name", "baseline", "with --from-live: the baseline's name")
	cmd.Flags().StringSliceVar(&f.allow, "allow", nil, "go on in spite of a difference: changed, missing")
	cmd.Flags().StringVar(&f.reason, "reason", "", "why; kept in the history")
	cmd.MarkFlagsMutuallyExclusive("undo", "from-live", "keep-in-step")
	return cmd
}

// adoptFiles are the target's migrations with the folder that they are in.
func (t *target) adoptFiles(ctx context.Context) (adopt.Files, error) {
	set, err := t.migrations(ctx)
	if err != nil {
		return adopt.Files{}, err
	}
	return t.filesOf(set), nil
}

func (t *target) filesOf(set *source.Set) adopt.Files {
	files := adopt.Files{Migrations: set.Migrations}
	if where := source.Locate(t.project.Migrations); where.Path != "" {
		files.FS, files.Shown = os.DirFS(where.Path), t.app.shown(where.Path)
	}
	return files
}

// companion finds the tool that the database is kept in step with.
func (t *target) companion(ctx context.Context, conn *pgx.Conn) (apply.Companion, error) {
	history := apply.Table{Schema: t.project.HistorySchema}
	table, ok, err := adopt.Kept(ctx, conn, history)
	if err != nil || !ok {
		return nil, err
	}
	files, err := t.adoptFiles(ctx)
	if err != nil {
		return nil, err
	}
	k, err := table.Keep(files, conn.Config().Database)
	if err != nil { // a nil *Keeper is no nil Companion
		return nil, err
	}
	return k, nil
}

// adoptDocument is what kedge adopt --json prints.
type adoptDocument struct {
	Environment string `json:"environment"`
	*adopt.Proposal
	KeepInStep bool `json:"keep_in_step"`
	Recorded   bool `json:"recorded"`
}

func (a *app) adopt(ctx context.Context, t *target, f *adoptFlags) error {
	files, err := t.adoptFiles(ctx)
	if err != nil {
		return err
	}
	conn, err := t.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tables, err := adopt.Find(ctx, conn, t.project.HistorySchema)
	if err != nil {
		return err
	}
	table, err := adopt.Choose(tables, f.tool)
	if err != nil {
		return refusef("%v\nName one with --tool; for a database without history there is kedge adopt --from-live", err)
	}
	rows, err := table.Rows(ctx, conn)
	if err != nil {
		return err
	}
	proposal, err := table.Propose(rows, files)
	if err != nil {
		return err
	}
	also, err := t.adoptionSQL(table, files, f, conn.Config().Database)
	if err != nil {
		return refusef("%v", err)
	}
	if !a.flags.json {
		a.showProposal(proposal)
	}
	for _, w := range proposal.Warnings {
		a.warn("%s", w)
	}
	if err := refused(proposal, f.allow); err != nil {
		if a.flags.json {
			if e := a.document(adoptDocument{t.name(), proposal, f.keep, false}); e != nil {
				return e
			}
		}
		return err
	}
	if f.dryRun {
		if a.flags.json {
			return a.document(adoptDocument{t.name(), proposal, f.keep, false})
		}
		a.say("%s: nothing was changed (--dry-run)", t.name())
		return nil
	}
	options := t.options()
	options.Companion = nil
	if f.reason != "" {
		options.Reason = f.reason
	}
	if err := apply.AdoptAll(ctx, t.connect, proposal.Adoptions(), also, options); err != nil {
		return err
	}
	if a.flags.json {
		return a.document(adoptDocument{t.name(), proposal, f.keep, true})
	}
	a.say("%s: %s adopted from %s", t.name(), count(len(proposal.Records), "migration"), proposal.Tool)
	if f.keep {
		a.say("Its history is kept in step from now on; kedge adopt --undo ends that.")
	}
	return nil
}

// adoptionSQL is what is done besides the adoption.
func (t *target) adoptionSQL(table adopt.Table, files adopt.Files, f *adoptFlags, database string) ([]string, error) {
	if !f.keep {
		return nil, nil
	}
	if _, err := table.Keep(files, database); err != nil {
		return nil, err
	}
	return table.KeepSQL(apply.Table{Schema: t.project.HistorySchema}), nil
}

// refused is the reasons not to adopt that no --allow takes away.
func refused(p *adopt.Proposal, allow []string) error {
	var lines []string
	for _, r := range p.Refusals {
		if r.Hazard != "" && slices.Contains(allow, r.Hazard) {
			continue
		}
		line := fmt.Sprintf("  %s: %s", r.Key, r.Message)
		if r.Advice != "" {
			line += "\n    " + r.Advice
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return nil
	}
	return refusef("the history of %s in %s cannot be taken over as it is:\n%s", p.Tool, p.Table, strings.Join(lines, "\n"))
}

func (a *app) showProposal(p *adopt.Proposal) {
	a.say("%s keeps its history in %s", p.Tool, p.Table)
	rows := make([][]cell, len(p.Records))
	for i, r := range p.Records {
		version, applied := r.Version.String(), r.AppliedAt
		switch {
		case r.Kind == migrate.Repeatable:
			version = "R"
		case r.Kind == migrate.Baseline:
			version += " (baseline)"
		}
		if r.Assumed {
			applied = "assumed"
		}
		color := paint("")
		if r.Checksum == adopt.Differs {
			color = red
		}
		rows[i] = []cell{plain(version), plain(r.Name), plain(applied), {string(r.Checksum), color}, plain(r.File)}
	}
	a.table([]string{"VERSION", "NAME", "APPLIED", "CHECKSUM", "FILE"}, rows)
}

// undoAdoption completes the old tool's history and drops kedge's.
func (a *app) undoAdoption(ctx context.Context, t *target, f *adoptFlags) error {
	files, err := t.adoptFiles(ctx)
	if err != nil {
		return err
	}
	options := t.options()
	conn, err := t.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	table, err := t.oldTable(ctx, conn, f.tool)
	if err != nil {
		return err
	}
	keeper, err := table.Keep(files, conn.Config().Database)
	if err != nil {
		return refusef("%v", err)
	}
	rows, err := table.Rows(ctx, conn)
	if err != nil {
		return err
	}
	session, err := apply.Open(ctx, t.connect, options)
	if err != nil {
		return err
	}
	defer session.Close()
	h := session.History()
	if n := len(h.Interrupted()); n > 0 {
		return refusef("%s interrupted: kedge resolve comes first", count(n, "migration is"))
	}
	missing, err := keeper.Catch(rows, h)
	if err != nil {
		return refusef("%v", err)
	}
	if !a.flags.json {
		for _, sql := range missing {
			a.result("%s;", sql)
		}
	}
	if f.dryRun {
		a.say("%s: nothing was changed (--dry-run)", t.name())
		return nil
	}
	yes, err := a.confirm("Complete the history of %s (%s) and drop kedge's, with the scripts that it keeps?", table.Tool.Name, count(len(missing), "statement"))
	if err != nil {
		return err
	}
	if !yes {
		return refusef("nothing was changed")
	}
	if err := t.leave(ctx, conn, missing); err != nil {
		return err
	}
	if a.flags.json {
		return a.document(struct {
			Environment string   `json:"environment"`
			Tool        string   `json:"tool"`
			Statements  []string `json:"statements"`
		}{t.name(), table.Tool.Name, append([]string{}, missing...)})
	}
	a.say("%s: left to %s again", t.name(), table.Tool.Name)
	return nil
}

// oldTable is the tool's table that the database is kept in step with, or the one that is found.
func (t *target) oldTable(ctx context.Context, conn *pgx.Conn, tool string) (adopt.Table, error) {
	table, ok, err := adopt.Kept(ctx, conn, apply.Table{Schema: t.project.HistorySchema})
	if err != nil || ok {
		return table, err
	}
	tables, err := adopt.Find(ctx, conn, t.project.HistorySchema)
	if err != nil {
		return table, err
	}
	if table, err = adopt.Choose(tables, tool); err != nil {
		return table, refusef("%v", err)
	}
	return table, nil
}

// leave writes the old tool's rows and drops kedge's tables, in one transaction.
// A schema that holds nothing else goes with them.
func (t *target) leave(ctx context.Context, conn *pgx.Conn, statements []string) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("leaving: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // nothing after the commit
	schema := t.project.HistorySchema
	for _, name := range []string{"history", "in_step", "snapshots", "recorded"} {
		statements = append(statements, "DROP TABLE IF EXISTS "+ddl.QualifiedName(schema, name))
	}
	for _, sql := range statements {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("leaving: %s: %w", firstLine(sql, 80), err)
		}
	}
	var rest int
	err = tx.QueryRow(ctx, "SELECT count(*) FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_namespace n ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid WHERE n.nspname = $1", schema).Scan(&rest)
	if err == nil && rest == 0 && schema != "public" {
		_, err = tx.Exec(ctx, "DROP SCHEMA "+ddl.QuoteIdent(schema))
	}
	if err != nil {
		return fmt.Errorf("leaving: %w", err)
	}
	return tx.Commit(ctx)
}

// folderIsEmpty tells whether a folder is not there or holds nothing.
func folderIsEmpty(path string) bool {
	list, err := fs.ReadDir(os.DirFS(path), ".")
	return err != nil || len(list) == 0
}
