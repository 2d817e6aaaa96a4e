package apply

import (
	"context"
	"fmt"
	"strings"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

// finding is what the catalog says of a statement that is about to run.
type finding struct {
	done     bool   // it took effect already
	evidence string // why
	before   string // what to remember, for the case that it is interrupted
}

// examine looks into the catalog before a statement runs outside of a
// transaction: for what an earlier attempt left behind, which it removes, and,
// when the outcome of one is in doubt, for whether it took effect. What the
// catalog cannot tell is a Refusal: a person decides.
func (w *walk) examine(ctx context.Context, st ddl.Statement, number int) (finding, error) {
	for _, e := range examinations {
		if e.fits(st.Class) {
			return e.look(ctx, w, st, number)
		}
	}
	if w.doubt {
		return finding{}, w.undecided(number, "the catalog does not show whether "+orElse(st.Class.Verb, "it")+" took effect")
	}
	return finding{}, nil
}

// examination knows where statements of one kind leave traces.
type examination struct {
	fits func(ddl.Class) bool
	look func(ctx context.Context, w *walk, st ddl.Statement, number int) (finding, error)
}

var examinations = []examination{
	{verb("CREATE INDEX", concurrently), lookForIndex},
	{verb("DROP INDEX", concurrently), lookFor("to_regclass(%s) IS NULL", "the index is gone")},
	{verb("REINDEX", concurrently), lookForReindexLeftovers},
	{verb("ALTER TABLE", concurrently), lookForDetached},
	{verb("CREATE DATABASE", anyway), lookFor("EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = %s)", "the database is there")},
	{verb("DROP DATABASE", anyway), lookFor("NOT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = %s)", "the database is gone")},
	{verb("CREATE TABLESPACE", anyway), lookFor("EXISTS (SELECT FROM pg_catalog.pg_tablespace WHERE spcname = %s)", "the tablespace is there")},
	{verb("DROP TABLESPACE", anyway), lookFor("NOT EXISTS (SELECT FROM pg_catalog.pg_tablespace WHERE spcname = %s)", "the tablespace is gone")},
	{verb("CREATE SUBSCRIPTION", anyway), lookFor("EXISTS (SELECT FROM pg_catalog.pg_subscription WHERE subname = %s)", "the subscription is there")},
	{verb("DROP SUBSCRIPTION", anyway), lookFor("NOT EXISTS (SELECT FROM pg_catalog.pg_subscription WHERE subname = %s)", "the subscription is gone")},
	{verb("ALTER TYPE", anyway), lookForEnumValue},
	{repeatable, func(context.Context, *walk, ddl.Statement, int) (finding, error) { return finding{}, nil }},
}

// repeatable tells statements that do no harm when they run twice.
func repeatable(c ddl.Class) bool {
	switch first, _, _ := strings.Cut(c.Verb, " "); first {
	case "VACUUM", "ANALYZE", "ANALYSE", "REINDEX", "CLUSTER", "CHECKPOINT", "DISCARD", "SET", "RESET", "SHOW", "LISTEN", "UNLISTEN", "COMMIT", "ROLLBACK", "END", "ABORT", "REFRESH":
		return c.Verb != "COMMIT PREPARED" && c.Verb != "ROLLBACK PREPARED"
	}
	return c.Verb == "ALTER SYSTEM" || c.Verb == "ALTER DATABASE"
}

func concurrently(c ddl.Class) bool { return c.Concurrently }
func anyway(ddl.Class) bool         { return true }

// verb fits a verb or any that goes on from it.
func verb(name string, and func(ddl.Class) bool) func(ddl.Class) bool {
	return func(c ddl.Class) bool { return (c.Verb == name || strings.HasPrefix(c.Verb, name+" ")) && and(c) }
}

// undecided is the refusal of a statement of which nobody knows whether it took effect.
func (w *walk) undecided(number int, evidence string) error {
	key := w.step.Migration.Key()
	return &migrate.Refusal{
		Rule:   migrate.ErrInterrupted,
		Items:  []migrate.RefusedItem{{Key: key, File: w.step.Script.File, Detail: fmt.Sprintf("statement %d was begun and did not report its end: %s", number, evidence)}},
		Advice: fmt.Sprintf("look, then decide with kedge resolve %s --resume (run it again), --done or --undone", key),
	}
}

// name is an identifier's value, the last part of a qualified one.
func name(written string) string {
	quoted := false
	var b strings.Builder
	for i := 0; i < len(written); i++ {
		c := written[i]
		switch {
		case c == '"' && quoted && i+1 < len(written) && written[i+1] == '"':
			b.WriteByte('"')
			i++
		case c == '"':
			quoted = !quoted
		case c == '.' && !quoted:
			b.Reset()
		case !quoted && c >= 'A' && c <= 'Z':
			b.WriteByte(c + 'a' - 'A')
		case !quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// object is the argument for a lookup: to_regclass takes the name as written, a catalog column its value.
func object(condition, written string) string {
	if strings.Contains(condition, "to_regclass") {
		return fmt.Sprintf(condition, ddl.QuoteLiteral(written))
	}
	return fmt.Sprintf(condition, ddl.QuoteLiteral(name(written)))
}

func (w *walk) holds(ctx context.Context, condition string) (bool, error) {
	reply, err := w.r.main.exec(ctx, "SELECT "+condition)
	if err != nil {
		return false, describe(err, "looking into the catalog")
	}
	return text(reply.rows[0][0]) == "t", nil
}

// lookFor says that a statement in doubt took effect when a condition on its object holds.
func lookFor(condition, evidence string) func(context.Context, *walk, ddl.Statement, int) (finding, error) {
	return func(ctx context.Context, w *walk, st ddl.Statement, _ int) (finding, error) {
		if !w.doubt {
			return finding{}, nil
		}
		done, err := w.holds(ctx, object(condition, st.Class.Object))
		return finding{done: done, evidence: evidence}, err
	}
}

// index is one of a table's.
type index struct {
	oid, qualified, name string
	valid                bool
	builder              string // pid of the session that builds it, "" for none
}

// indexes are those for which the condition on i (pg_index) and c (its pg_class) holds.
func (w *walk) indexes(ctx context.Context, condition string) ([]index, error) {
	reply, err := w.r.main.exec(ctx, `SELECT c.oid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), c.relname, i.indisvalid,
 (SELECT min(p.pid) FROM pg_catalog.pg_stat_progress_create_index p WHERE (p.index_relid = c.oid OR p.relid = i.indrelid AND c.relname ~ '_cc(new|old)[0-9]*$') AND p.datid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
 FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE `+condition+" ORDER BY c.oid")
	if err != nil {
		return nil, describe(err, "looking for indexes")
	}
	list := make([]index, len(reply.rows))
	for k, row := range reply.rows {
		list[k] = index{oid: text(row[0]), qualified: text(row[1]), name: text(row[2]), valid: text(row[3]) == "t", builder: text(row[4])}
	}
	return list, nil
}

const indexesBefore = "indexes before: "

// lookForIndex finds what CREATE INDEX CONCURRENTLY left: an invalid index is
// in the way of a new build, also where IF NOT EXISTS would pass over it.
func lookForIndex(ctx context.Context, w *walk, st ddl.Statement, number int) (finding, error) {
	on := "i.indrelid = to_regclass(" + ddl.QuoteLiteral(st.Class.On) + ")"
	list, err := w.indexes(ctx, on)
	if err != nil {
		return finding{}, err
	}
	named := name(st.Class.Object)
	known := map[string]bool{}
	remembered := false
	if named == "" {
		known, remembered = w.remembered(number)
	}
	oids := make([]string, 0, len(list))
	for _, x := range list {
		oids = append(oids, x.oid)
		mine := named != "" && x.name == named || named == "" && remembered && !known[x.oid]
		switch {
		case !mine:
		case x.valid && w.doubt:
			return finding{done: true, evidence: "index " + x.qualified + " is there and valid"}, nil
		case !x.valid:
			if x.builder != "" {
				return finding{}, fmt.Errorf("index %s is being built by the session with pid %s: wait for it to end, or cancel it", x.qualified, x.builder)
			}
			w.r.warn("index %s is invalid, left by a build that did not end: it is dropped and built again", x.qualified)
			if err := w.drop(ctx, x); err != nil {
				return finding{}, err
			}
		}
	}
	if named == "" {
		return finding{before: indexesBefore + strings.Join(oids, ",")}, nil
	}
	return finding{}, nil
}

// remembered are the indexes that the table had before the statement was begun.
func (w *walk) remembered(number int) (map[string]bool, bool) {
	for k := len(w.r.entries) - 1; k >= 0; k-- {
		e := &w.r.entries[k]
		if e.Event != migrate.StatementBegun || e.Key() != w.step.Migration.Key() || e.Statement != number {
			continue
		}
		list, ok := strings.CutPrefix(e.Note, indexesBefore)
		known := map[string]bool{}
		for _, oid := range strings.Split(list, ",") {
			known[oid] = true
		}
		return known, ok
	}
	return nil, false
}

// drop removes an index that no one uses, without a timeout.
func (w *walk) drop(ctx context.Context, x index) error {
	if !w.r.pooled {
		if _, err := w.r.main.exec(ctx, "SET lock_timeout = 0"); err != nil {
			return describe(err, "dropping the invalid index %s", x.qualified)
		}
	}
	_, err := w.r.main.exec(ctx, "DROP INDEX CONCURRENTLY IF EXISTS "+x.qualified)
	return describe(err, "dropping the invalid index %s", x.qualified)
}

// lookForReindexLeftovers drops the copies that an interrupted REINDEX
// CONCURRENTLY left (https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY).
func lookForReindexLeftovers(ctx context.Context, w *walk, st ddl.Statement, _ int) (finding, error) {
	if !w.again && !w.doubt {
		return finding{}, nil
	}
	target := "to_regclass(" + ddl.QuoteLiteral(st.Class.Object) + ")"
	table := ""
	switch strings.TrimPrefix(st.Class.Verb, "REINDEX ") {
	case "INDEX":
		table = "i.indrelid = (SELECT indrelid FROM pg_catalog.pg_index WHERE indexrelid = " + target + ")"
	case "TABLE":
		table = "i.indrelid IN (" + target + ", (SELECT reltoastrelid FROM pg_catalog.pg_class WHERE oid = " + target + "))"
	case "SCHEMA":
		table = "n.nspname = " + ddl.QuoteLiteral(name(st.Class.Object))
	default:
		table = "true"
	}
	list, err := w.indexes(ctx, "NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' AND "+table)
	if err != nil {
		return finding{}, err
	}
	for _, x := range list {
		if x.builder != "" {
			continue
		}
		w.r.warn("index %s was left by an interrupted REINDEX CONCURRENTLY: it is dropped", x.qualified)
		if err := w.drop(ctx, x); err != nil {
			return finding{}, err
		}
	}
	return finding{}, nil
}

// lookForDetached ends an interrupted DETACH PARTITION CONCURRENTLY with FINALIZE.
func lookForDetached(ctx context.Context, w *walk, st ddl.Statement, number int) (finding, error) {
	if !w.again && !w.doubt {
		return finding{}, nil
	}
	partition := partitionName(st.SQL)
	if partition == "" {
		if w.doubt {
			return finding{}, w.undecided(number, "the partition's name could not be read")
		}
		return finding{}, nil
	}
	parent := st.Class.Object
	reply, err := w.r.main.exec(ctx, "SELECT inhdetachpending FROM pg_catalog.pg_inherits WHERE inhparent = to_regclass("+ddl.QuoteLiteral(parent)+") AND inhrelid = to_regclass("+ddl.QuoteLiteral(partition)+")")
	if err != nil {
		return finding{}, describe(err, "looking for the partition")
	}
	if len(reply.rows) == 0 {
		return finding{done: w.doubt, evidence: partition + " is no partition of " + parent + " any more"}, nil
	}
	if text(reply.rows[0][0]) != "t" {
		return finding{}, nil
	}
	w.r.warn("partition %s is half detached: the rest is done with FINALIZE", partition)
	if _, err := w.r.main.exec(ctx, "ALTER TABLE "+parent+" DETACH PARTITION "+partition+" FINALIZE"); err != nil {
		return finding{}, describe(err, "detaching partition %s", partition)
	}
	return finding{done: true, evidence: "its first half was done, FINALIZE did the rest"}, nil
}

// partitionName is the name after DETACH PARTITION, as written.
func partitionName(sql string) string {
	var b strings.Builder
	inside := false
	for t := range ddl.Tokens(sql) {
		switch {
		case t.Is("CONCURRENTLY") && inside:
			return b.String()
		case inside && !t.Trivia():
			b.WriteString(t.Text)
		case t.Is("PARTITION"):
			inside = true
		}
	}
	return ""
}

// lookForEnumValue looks for the label that ALTER TYPE … ADD VALUE adds.
func lookForEnumValue(ctx context.Context, w *walk, st ddl.Statement, number int) (finding, error) {
	if !w.doubt {
		return finding{}, nil
	}
	label, after := "", false
	for t := range ddl.Tokens(st.SQL) {
		if after && t.Kind == ddl.String {
			label = t.Text
			break
		}
		after = after || t.Is("VALUE")
	}
	if label == "" {
		return finding{}, w.undecided(number, "the catalog does not show whether ALTER TYPE took effect")
	}
	done, err := w.holds(ctx, "EXISTS (SELECT FROM pg_catalog.pg_enum WHERE enumtypid = to_regtype("+ddl.QuoteLiteral(st.Class.Object)+") AND enumlabel = "+label+")")
	return finding{done: done, evidence: "the value is there"}, err
}
