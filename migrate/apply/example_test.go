package apply_test

import (
	"context"
	"fmt"
	"log"
	"testing/fstest"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/source"
)

// A program that brings its migrations along applies them when it starts. Two
// instances that start together end as one run and one no-op.
func ExampleUp() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "postgres://localhost/app")
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	migrations := fstest.MapFS{ // an embed.FS in a real program
		"000001_create_users.up.sql":   {Data: []byte("CREATE TABLE users (user_id bigint PRIMARY KEY);")},
		"000001_create_users.down.sql": {Data: []byte("DROP TABLE users;")},
	}
	report, err := apply.Up(ctx, apply.Pool(pool), source.Location{FS: migrations}, apply.Options{
		Observer: func(p migrate.Progress) {
			if p.Kind == migrate.StepDone {
				log.Printf("%s in %s", p.Step.Migration.Name, p.Elapsed)
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("at", report.To)
}

// Down takes the last migration back, also when its file is gone: history keeps the script.
func ExampleRun() {
	ctx := context.Background()
	report, err := apply.Run(ctx, apply.URL("postgres://localhost/app"), nil, migrate.Request{Direction: migrate.Down}, apply.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("at", report.To)
}

// What is pending is known without changing anything.
func ExampleStatus() {
	ctx := context.Background()
	set, err := source.Load(ctx, source.Location{Path: "migrations"}, source.Options{})
	if err != nil {
		log.Fatal(err)
	}
	status, err := apply.Status(ctx, apply.URL("postgres://localhost/app"), set.Migrations, "production", apply.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range status.Migrations {
		fmt.Println(m.Version, m.Name, m.State)
	}
}
