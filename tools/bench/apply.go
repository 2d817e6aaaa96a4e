package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// contents is what the server holds in the public schema, by kind: the same
// after psql as after kedge, or one of them did other work.
const contents = `
SELECT 'class ' || relkind::text, count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'bench_history%' GROUP BY 1
UNION ALL SELECT 'proc', count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'enum', count(*) FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'
UNION ALL SELECT 'description', count(*) FROM pg_description WHERE objoid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace UNION ALL SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace)
UNION ALL SELECT 'default', count(*) FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid WHERE c.relname NOT LIKE 'bench_history%' AND c.relnamespace = 'public'::regnamespace
ORDER BY 1`

// apply: 1,000 small migrations into an empty database, the server as durable
// as it comes.
func (b *bench) apply(ctx context.Context) error {
	if err := writeMigrations(b.path("thousand"), b.path("thousand.sql"), 1000); err != nil {
		return err
	}
	return b.applyThrough(ctx, "1,000 migrations", 0.85, b.runs, "")
}

// latency: the same with a millisecond between client and server.
func (b *bench) latency(ctx context.Context) error {
	if err := writeMigrations(b.path("thousand"), b.path("thousand.sql"), 1000); err != nil {
		return err
	}
	p, err := listen(b.path("late"), b.server, time.Millisecond)
	if err != nil {
		return err
	}
	defer p.close()
	return b.applyThrough(ctx, "1,000 migrations, 1 ms away", 0.30, min(b.runs, 3), p.folder)
}

func (b *bench) applyThrough(ctx context.Context, name string, target float64, runs int, folder string) error {
	var made [2]string // the databases' contents after psql and after kedge
	with := func(n int, database string, argv ...string) side {
		return side{
			prepare: func() error {
				_, err := b.fresh(ctx, database)
				return err
			},
			argv: always(argv...),
			check: func() (err error) {
				made[n], err = b.query(ctx, b.server.database(database, ""), contents)
				return err
			},
		}
	}
	theirs, ours, err := b.compare(ctx, runs,
		with(0, "bench_psql", "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", b.server.database("bench_psql", folder), "-f", b.path("thousand.sql")),
		with(1, "bench_kedge", b.kedge, "up", "--quiet", "--url", b.server.database("bench_kedge", folder), "--source", b.path("thousand")))
	if err != nil {
		return err
	}
	if made[0] != made[1] {
		return fmt.Errorf("psql and kedge made different databases:\n%s\n%s", made[0], made[1])
	}
	r := result{name: name, subject: ours, against: theirs, target: target}
	if r.note, err = b.roundTrips(ctx, func(folder string) ([]string, error) {
		_, err := b.fresh(ctx, "bench_kedge")
		return []string{b.kedge, "up", "--quiet", "--url", b.server.database("bench_kedge", folder), "--source", b.path("thousand")}, err
	}); err != nil {
		return err
	}
	b.results = append(b.results, r)
	return nil
}

// roundTrips runs a command once through a proxy that only counts.
func (b *bench) roundTrips(ctx context.Context, argv func(folder string) ([]string, error)) (string, error) {
	p, err := listen(b.path("count"), b.server, 0)
	if err != nil {
		return "", err
	}
	defer p.close()
	command, err := argv(p.folder)
	if err != nil {
		return "", err
	}
	if _, err := b.output(ctx, command[0], command[1:]...); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d round trips with connecting", p.trips.Load()), nil
}

// nothing: up and status where there is nothing to do, against psql reading the
// same history.
func (b *bench) nothing(ctx context.Context) error {
	for _, n := range []int{1000, 10000} {
		folder := b.path(fmt.Sprintf("applied-%d", n))
		if err := writeMigrations(folder, folder+".sql", n); err != nil {
			return err
		}
		database, err := b.fresh(ctx, "bench_nothing")
		if err != nil {
			return err
		}
		if _, err := b.output(ctx, b.kedge, "up", "--quiet", "--url", database, "--source", folder); err != nil {
			return err
		}
		if _, err := b.query(ctx, database, "VACUUM ANALYZE"); err != nil {
			return err
		}
		table, err := b.historyTable(ctx, database)
		if err != nil {
			return err
		}
		read := side{argv: always("psql", "-X", "-q", "-A", "-t", "-o", b.path("history.txt"), "-d", database,
			"-c", "SELECT version, name, event, checksum, sql_checksum, at FROM "+table+" ORDER BY id")}
		for _, command := range []string{"up", "status"} {
			argv := []string{b.kedge, command, "--quiet", "--url", database, "--source", folder}
			theirs, ours, err := b.compare(ctx, 3*b.runs, read, side{argv: always(argv...)})
			if err != nil {
				return err
			}
			r := result{name: fmt.Sprintf("%s, %s applied, nothing to do", command, thousands(n)), subject: ours, against: theirs, target: 1.3}
			if r.note, err = b.roundTrips(ctx, func(through string) ([]string, error) {
				return []string{b.kedge, command, "--quiet", "--url", b.server.database("bench_nothing", through), "--source", folder}, nil
			}); err != nil {
				return err
			}
			b.results = append(b.results, r)
		}
	}
	return nil
}

// historyTable is the table in kedge's schema that holds most rows.
func (b *bench) historyTable(ctx context.Context, database string) (string, error) {
	table, err := b.query(ctx, database, `SELECT oid::regclass FROM pg_class WHERE relnamespace = 'kedge'::regnamespace AND relkind IN ('r', 'p') ORDER BY reltuples DESC LIMIT 1`)
	return strings.TrimSpace(table), err
}

// copy: one data migration with its rows inline. Its memory counts more than its
// time.
func (b *bench) copy(ctx context.Context) error {
	folder := b.path("copy")
	if err := writeCopy(folder, b.copyMB); err != nil {
		return err
	}
	empty := func(database string) func() error {
		return func() error {
			_, err := b.fresh(ctx, database)
			return err
		}
	}
	theirs, ours, err := b.compare(ctx, 1,
		side{prepare: empty("bench_psql"), argv: always("psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1",
			"-d", b.server.database("bench_psql", ""), "-f", filepath.Join(folder, "000001_load.up.sql"))},
		side{prepare: empty("bench_kedge"), argv: always(b.kedge, "up", "--quiet", "--url", b.server.database("bench_kedge", ""), "--source", folder)})
	if err != nil {
		return err
	}
	b.results = append(b.results, result{name: fmt.Sprintf("a data migration of %d MB", b.copyMB), subject: ours, against: theirs, ceiling: 100 << 20})
	return nil
}

// lint: 1,000 files, no database.
func (b *bench) lint(ctx context.Context) error {
	if err := writeMigrations(b.path("thousand"), b.path("thousand.sql"), 1000); err != nil {
		return err
	}
	_, ours, err := b.compare(ctx, b.runs, side{}, side{argv: always(b.kedge, "lint", "--quiet", "--source", b.path("thousand")), exit: []int{2}})
	if err != nil {
		return err
	}
	b.results = append(b.results, result{name: "lint of 1,000 migrations", subject: ours, target: 1, absolute: true})
	return nil
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
