package judge_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/judge"
)

var (
	seed     = flag.Uint64("seed", 0, "the first seed of TestRandomEdits; 0 with -duration: any")
	runs     = flag.Int("runs", 0, "how many seeds TestRandomEdits tries; 0: 10, or 30 with KEDGE_PAIRS=all")
	budget   = flag.Int("budget", 80, "how often TestRandomEdits tries to make a failing edit smaller")
	duration = flag.Duration("duration", 0, "how long TestRandomEdits goes on, in place of -runs")
)

// knownSeeds are the seeds that fail, each with what is wrong. One that passes
// must leave the list.
var knownSeeds = map[uint64]string{}

// TestRandomEdits judges random edits of random schemas, filled with a few
// rows, both ways, every third one with the short forms. A failure is shrunk to
// the few statements that are needed for it and printed as a pair. `make fuzz`
// lets it run for long from a seed that nobody tried.
func TestRandomEdits(t *testing.T) {
	b := newBench(t)
	first, count := *seed, uint64(*runs) //nolint:gosec // nobody asks for a negative number
	if count == 0 {
		count = 10
		if allPairs() {
			count = 30
		}
	}
	if testing.Short() {
		count = min(count, 8)
	}
	until := time.Now().Add(*duration)
	if *duration > 0 {
		count = 1 << 40
		if first == 0 {
			first = uint64(time.Now().UnixNano()) //nolint:gosec // any number will do
			t.Logf("seeds from %d", first)
		}
	}
	statements, dataErrors, failures := 0, 0, 0
	for s := first; s < first+count && (*duration == 0 || time.Now().Before(until)) && failures < 10; s++ {
		e := judge.RandomEdit(s)
		if _, ok := b.tool.(packages); ok {
			b.tool = packages{style: []schema.Style{schema.Online, schema.Online, schema.Offline}[s%3]}
		}
		v := b.judgeEdit(t.Context(), e)
		statements += v.statements
		dataErrors += v.dataErrors
		reason, expected := knownSeeds[s]
		switch {
		case v.failure == nil && expected:
			t.Errorf("seed %d passes, though it is known to fail: %s", s, reason)
		case v.failure != nil && expected:
			t.Logf("seed %d: known: %s", s, reason)
		}
		if v.failure == nil || expected {
			continue
		}
		failures++
		about, part := signature(v.failure), firstPart(v.failure)
		small := judge.Shrink(e, *budget, func(e judge.Edit) bool {
			v := b.judgeEdit(t.Context(), e, part)
			return v.failure != nil && signature(v.failure) == about
		})
		v = b.judgeEdit(t.Context(), small, part)
		t.Errorf("seed %d: %v\n\n-- old.sql --\n%s\n-- new.sql --\n%s\n-- rows.sql --\n%s", s, v.failure, v.old, v.new, v.rows)
	}
	t.Logf("%d statements; %d edits that their rows could not stand were judged without rows", statements, dataErrors)
	require.Positive(t, statements)
}

// editVerdict is what became of an edit.
type editVerdict struct {
	old, new, rows string // what the server took
	statements     int
	dataErrors     int // the rows could not stand the edit
	failure        error
}

// dataError are integrity violations and data exceptions: random rows need not
// fit a random edit.
var dataError = regexp.MustCompile(`ERROR:  (?:insert or update on table|update or delete on table|check constraint|could not create unique index|could not create exclusion|column "[^\n]*" (?:of relation "[^\n]*" )?contains null values|invalid input|no partition of relation|value too long|numeric field overflow|[a-z ]+ out of range|malformed|domain [^\n]* does not allow null|value for domain|date/time|duplicate key|partition constraint|updated partition constraint|new row for|conflicting key|null value in column|nextval: reached)`)

// judgeEdit judges an edit, or only that part of it.
func (b *bench) judgeEdit(ctx context.Context, e judge.Edit, part ...string) editVerdict {
	v := b.judgeEditWith(ctx, e, true, part)
	if v.failure != nil && dataError.MatchString(firstLines(v.failure.Error(), 2)) {
		v = b.judgeEditWith(ctx, e, false, part)
		v.dataErrors = 1
	}
	return v
}

func (b *bench) judgeEditWith(ctx context.Context, e judge.Edit, rows bool, part []string) editVerdict {
	var v editVerdict
	before, after := e.Scripts()
	live, script, err := b.loadLeniently(ctx, before)
	if err != nil {
		v.failure = err
		return v
	}
	defer live.drop(ctx)
	v.old = script
	wanted, script, err := b.loadLeniently(ctx, after)
	if err != nil {
		v.failure = err
		return v
	}
	defer wanted.drop(ctx)
	v.new = script
	v.statements = strings.Count(v.old, ";\n") + strings.Count(v.new, ";\n")
	if rows {
		if v.rows, err = live.fill(ctx); err != nil {
			v.failure = err
			return v
		}
	}
	v.failure = b.judgeBoth(ctx, live, wanted, v.old, part)
	return v
}

func (b *bench) judgeBoth(ctx context.Context, live, wanted *database, old string, part []string) error {
	oldDump, err := live.dump(ctx)
	if err != nil {
		return err
	}
	newDump, err := wanted.dump(ctx)
	if err != nil {
		return err
	}
	wants := func(name string) bool { return len(part) == 0 || part[0] == name }
	if wants(snapshotPart) {
		if err := b.judgeSnapshot(ctx, wanted, newDump); err != nil {
			return fmt.Errorf("%s: %w", snapshotPart, err)
		}
	}
	if !wants(forwardPart) && !wants(backPart) {
		return nil
	}
	lost := append(live.fragile(ctx), wanted.fragile(ctx)...)
	if err := b.judgeWay(ctx, live, wanted, newDump, lost); err != nil {
		return fmt.Errorf("%s: %w", forwardPart, err)
	}
	if !wants(backPart) {
		return nil
	}
	target, err := b.load(ctx, old)
	if err != nil {
		return err
	}
	defer target.drop(ctx)
	if err := b.judgeWay(ctx, live, target, oldDump, lost); err != nil {
		return fmt.Errorf("%s: %w", backPart, err)
	}
	return nil
}

// loadLeniently makes a database of the scripts that the server takes and
// returns these.
func (b *bench) loadLeniently(ctx context.Context, scripts []string) (*database, string, error) {
	d, err := b.create(ctx)
	if err != nil {
		return nil, "", err
	}
	var taken strings.Builder
	for _, script := range scripts {
		if _, err := d.conn.Exec(ctx, script); err == nil {
			taken.WriteString(script + ";\n")
		} else if ctx.Err() != nil || d.conn.IsClosed() {
			d.drop(ctx)
			return nil, "", errors.Join(errors.New("loading"), err)
		}
	}
	return d, taken.String(), nil
}

// fill gives every table two rows, of defaults and of values that suit the
// columns' types; those that it does not take are left out.
func (d *database) fill(ctx context.Context) (string, error) {
	tables, err := d.tables(ctx)
	if err != nil {
		return "", err
	}
	var taken strings.Builder
	for _, name := range sortedKeys(tables) {
		t := tables[name]
		columns, values := []string{}, []string{}
		for _, c := range sortedKeys(t.columns) {
			if v, ok := samples[strings.TrimSuffix(t.columns[c], "(20)")]; ok {
				columns, values = append(columns, `"`+strings.ReplaceAll(c, `"`, `""`)+`"`), append(values, v)
			}
		}
		for _, statement := range []string{
			"INSERT INTO " + t.relation + " DEFAULT VALUES",
			fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", t.relation, strings.Join(columns, ", "), strings.Join(values, ", ")),
		} {
			if _, err := d.conn.Exec(ctx, statement); err == nil {
				taken.WriteString(statement + ";\n")
			}
		}
	}
	return taken.String(), nil
}

var samples = map[string]string{
	"integer": "1", "bigint": "2", "smallint": "3", "numeric": "4", "double precision": "1.5", "text": "'5'", "character varying": "'6'",
	"boolean": "true", "jsonb": `'{"b": 1}'`, "date": "'2024-05-06'", "text[]": "'{x}'", "integer[]": "'{1}'",
}

// fragile are the columns whose values follow from others.
func (d *database) fragile(ctx context.Context) []string {
	rows, err := d.conn.Query(ctx, `SELECT replace(format('%I.%I.', n.nspname, c.relname), '"', '') || a.attname
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE a.attgenerated <> ''`)
	if err != nil {
		return nil
	}
	list, _ := collectStrings(rows) // without the list, more is judged
	return list
}

// The parts of a judgement.
const (
	snapshotPart = "snapshot of new"
	forwardPart  = "old → new"
	backPart     = "new → old"
)

func firstPart(err error) string {
	part, _, _ := strings.Cut(err.Error(), ": ")
	return part
}

var (
	quoted  = regexp.MustCompile(`"[^\n]*"|\d+|[a-z]+\.\S+`)
	newline = regexp.MustCompile(`\n`)
)

// signature is what two failures of one cause have in common.
func signature(err error) string {
	return quoted.ReplaceAllString(firstLines(err.Error(), 1), "")
}

func firstLines(text string, n int) string {
	lines := newline.Split(text, n+1)
	return strings.Join(lines[:min(n, len(lines))], "\n")
}
