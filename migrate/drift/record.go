package drift

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
	"github.com/kedgedb/kedge/schema/snapshot"
)

// keptRecordings is how many recordings a database keeps.
const keptRecordings = 3

// Recording is the model of a database as it was when a run had ended.
type Recording struct {
	Version migrate.Version
	Basis   string // migrate.History.Digest of the state that it belongs to
	At      time.Time
	Model   *schema.Model
}

// recordedTable is where recordings are kept, in the schema of the history.
func recordedTable(history string) string { return ddl.QualifiedName(history, "recorded") }

// Record keeps a model in the history's schema, and the last few before it.
func Record(ctx context.Context, conn *pgx.Conn, history string, r Recording) error {
	text, err := snapshot.Compact(r.Model)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err == nil {
		_, err = zip.Write(text)
	}
	if err == nil {
		err = zip.Close()
	}
	if err != nil {
		return fmt.Errorf("packing the recorded schema: %w", err)
	}
	table := recordedTable(history)
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var there bool
		if err := tx.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", table).Scan(&there); err != nil {
			return err
		}
		if !there {
			if _, err := tx.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+table+` (
    recorded_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    version     text        NOT NULL,
    basis       text        NOT NULL,
    model       bytea       NOT NULL
)`); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "COMMENT ON TABLE "+table+" IS 'The schema as kedge left it, for drift: a gzipped snapshot in JSON.'"); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, "INSERT INTO "+table+" (version, basis, model) VALUES ($1, $2, $3)", string(r.Version), r.Basis, packed.Bytes()); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE recorded_id <= (SELECT max(recorded_id) FROM "+table+") - $1", keptRecordings)
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping the recorded schema: %w", err)
	}
	return nil
}

// Recorded is the newest recording, nil when there is none.
func Recorded(ctx context.Context, conn *pgx.Conn, history string) (*Recording, error) {
	var r Recording
	var version string
	var packed []byte
	err := conn.QueryRow(ctx, "SELECT version, basis, recorded_at, model FROM "+recordedTable(history)+" ORDER BY recorded_id DESC LIMIT 1").
		Scan(&version, &r.Basis, &r.At, &packed)
	var refused *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows), errors.As(err, &refused) && (refused.Code == undefinedTable || refused.Code == invalidSchema):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the recorded schema: %w", err)
	}
	r.Version = migrate.Version(version)
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpacking the recorded schema: %w", err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		return nil, fmt.Errorf("unpacking the recorded schema: %w", err)
	}
	if r.Model, err = snapshot.ReadJSON(text); err != nil {
		return nil, fmt.Errorf("reading the recorded schema: %w", err)
	}
	return &r, nil
}

// Carry makes the recording of one state of the history that of another, where
// the history changed and the schema did not. Without such a recording it does
// nothing.
func Carry(ctx context.Context, conn *pgx.Conn, history, from, to string) error {
	_, err := conn.Exec(ctx, "UPDATE "+recordedTable(history)+" SET basis = $2 WHERE basis = $1", from, to)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && (refused.Code == undefinedTable || refused.Code == invalidSchema) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("keeping the recorded schema: %w", err)
	}
	return nil
}

// SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	undefinedTable = "42P01"
	invalidSchema  = "3F000"
	noPrivilege    = "42501"
)
