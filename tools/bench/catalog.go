package main

import (
	"context"
	"fmt"
	"os"
)

// catalog: snapshot and drift of many tables against pg_dump of the same.
func (b *bench) catalog(ctx context.Context) error {
	for _, size := range []struct {
		tables          int
		snapshot, drift float64
	}{{1000, 0.5, 0.6}, {10000, 0.35, 0.4}} {
		if err := b.catalogOf(ctx, size.tables, size.snapshot, size.drift); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) catalogOf(ctx context.Context, tables int, snapshotTarget, driftTarget float64) error {
	script := b.path("tables.sql")
	if err := writeTables(script, tables); err != nil {
		return err
	}
	database, err := b.fresh(ctx, "bench_catalog")
	if err != nil {
		return err
	}
	if _, err := b.output(ctx, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", script); err != nil {
		return err
	}
	if _, err := b.query(ctx, database, "VACUUM ANALYZE"); err != nil {
		return err
	}
	dump := side{argv: always("pg_dump", "--schema-only", "-f", b.path("dump.sql"), "-d", database)}
	runs := min(b.runs, 3)

	theirs, ours, err := b.compare(ctx, runs, dump, side{argv: always(b.kedge, "snapshot", "--quiet", "--from", database, "--format", "sql", "--out", b.path("snapshot.sql"))})
	if err != nil {
		return err
	}
	b.results = append(b.results, result{name: fmt.Sprintf("snapshot of %s tables", thousands(tables)), subject: ours, against: theirs, target: snapshotTarget, ceiling: 500 << 20})

	if !b.has(ctx, "drift") {
		b.results = append(b.results, result{name: fmt.Sprintf("drift of %s tables", thousands(tables)), note: "this kedge has no drift"})
		return nil
	}
	// A run that has something to do records the model that drift compares with.
	source := b.path("record")
	if err := os.MkdirAll(source, 0o755); err != nil {
		return err
	}
	for name, sql := range map[string]string{"000001_one.up.sql": "CREATE TABLE one (id bigint);\n", "000001_one.down.sql": "DROP TABLE one;\n"} {
		if err := os.WriteFile(source+"/"+name, []byte(sql), 0o644); err != nil {
			return err
		}
	}
	if _, err := b.output(ctx, b.kedge, "up", "--quiet", "--url", database, "--source", source); err != nil {
		return err
	}
	theirs, ours, err = b.compare(ctx, runs, dump, side{argv: always(b.kedge, "drift", "--quiet", "--url", database, "--source", source, "--against", "recorded")})
	if err != nil {
		return err
	}
	b.results = append(b.results, result{name: fmt.Sprintf("drift of %s tables, recorded", thousands(tables)), subject: ours, against: theirs, target: driftTarget})
	return nil
}
