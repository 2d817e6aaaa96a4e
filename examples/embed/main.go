// Command embed brings its migrations along: SQL files in the binary, and beside
// them a data migration in Go.
package main

import (
	"context"
	"embed"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/source"
)

//go:embed migrations
var files embed.FS

func main() {
	if err := run(context.Background(), os.Getenv("DATABASE_URL")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, url string) error {
	code, err := inCode()
	if err != nil {
		return err
	}
	report, err := apply.Up(ctx, apply.URL(url), source.Location{FS: files, Path: "migrations", Code: code}, apply.Options{})
	if err != nil {
		return err
	}
	fmt.Printf("%d migrations applied, at %s\n", len(report.Steps), report.To)
	return nil
}

// inCode is the migrations that are written in Go. The first runs in the
// transaction that records it, the second on a connection of its own.
func inCode() ([]*migrate.Migration, error) {
	fill, err := migrate.InCode(migrate.Code{
		Version: "2", Name: "fill slugs", Checksum: "1",
		Up: migrate.Function{Tx: func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE articles SET slug = lower(replace(title, ' ', '-')) WHERE slug IS NULL")
			return err
		}},
		Down: migrate.Function{Tx: func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE articles SET slug = NULL")
			return err
		}},
	})
	if err != nil {
		return nil, err
	}
	vacuum, err := migrate.InCode(migrate.Code{
		Version: "4", Name: "vacuum", Checksum: "1",
		Up: migrate.Function{Conn: func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, "VACUUM articles")
			return err
		}},
	})
	return []*migrate.Migration{fill, vacuum}, err
}
