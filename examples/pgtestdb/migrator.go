// Package pgtestdb lets github.com/peterldowns/pgtestdb build its template
// databases with kedge: Migrator has the methods of that package's interface.
package pgtestdb

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"

	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/source"
)

// Config is what pgtestdb tells of a database: its Config has this method.
type Config interface{ URL() string }

// Migrator is a pgtestdb.Migrator once its configuration type stands for C:
//
//	pgtestdb.New(t, config, pgtestdb.Migrator(Migrator[pgtestdb.Config]{From: source.Location{Path: "migrations"}}))
type Migrator[C Config] struct{ From source.Location }

// Hash changes whenever a migration does.
func (m Migrator[C]) Hash() (string, error) {
	set, err := source.Load(context.Background(), m.From, source.Options{Hooks: source.KeepHooks})
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, one := range set.Migrations {
		fmt.Fprintln(sum, one.Key(), one.Up.Checksum.Text)
	}
	return hex.EncodeToString(sum.Sum(nil)), set.Close()
}

// Migrate builds the template.
func (m Migrator[C]) Migrate(ctx context.Context, _ *sql.DB, config C) error {
	_, err := apply.Up(ctx, apply.URL(config.URL()), m.From, apply.Options{})
	return err
}
