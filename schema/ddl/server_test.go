package ddl

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
)

// TestClassifyAgreesWithServer runs statements in a transaction block: the server refuses exactly those that are
// Outside with SQLSTATE 25001, as far as its grammar knows them.
func TestClassifyAgreesWithServer(t *testing.T) {
	t.Parallel()
	conn := pgtest.New(t).Connect(t.Context())
	_, err := conn.Exec(t.Context(), `create table t (a int primary key); create index i on t (a);
		create table p (a int) partition by range (a); create table p1 partition of p default; create index pi on p (a);
		create table q (a int) partition by list (a); create table q1 partition of q for values in (1);
		create materialized view m as select 1 as a; create type e as enum ('a')`)
	require.NoError(t, err)
	for _, sql := range []string{
		"vacuum t", "vacuum", "vacuum (full) t", "analyze t", "explain vacuum", "create database x", "drop database if exists nowhere",
		"alter database template1 set tablespace pg_default", "alter database template1 set work_mem = '4MB'",
		"create tablespace x location '/nowhere'", "drop tablespace if exists nowhere", "alter tablespace pg_default set (random_page_cost = 1)",
		"alter system set work_mem = '4MB'", "alter system reset all", "create index concurrently on t (a)", "create index on t (a)",
		"drop index concurrently i", "drop index i", "reindex index concurrently i", "reindex (concurrently) table t",
		"reindex (concurrently false) table t", "reindex table t", "reindex schema public", "reindex system postgres", "reindex database postgres",
		"alter table q detach partition q1 concurrently", "alter table q detach partition q1", "cluster", "cluster verbose",
		"cluster t using t_pkey", "discard all", "discard plans", "commit prepared 'x'", "rollback prepared 'x'",
		"create subscription s connection 'host=/nowhere' publication p", "create subscription s connection 'host=/nowhere' publication p with (connect = false)",
		"create subscription s connection 'host=/nowhere' publication p with (create_slot = false, connect = off)",
		"refresh materialized view m", "alter type e add value 'b'", "truncate t", "lock t", "set transaction read only",
		"with x as (select 1) select * from x", "  /* vacuum */ -- vacuum\n select 'vacuum'", "checkpoint", "do $$ begin end $$",
		"set local work_mem = '4MB'", "load 'plpgsql'", "listen x", "prepare x as select 1", "comment on table t is 'x'",
	} {
		_, err := conn.Exec(t.Context(), "begin")
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), sql)
		var pg *pgconn.PgError
		refused := errors.As(err, &pg) && pg.Code == "25001"
		older := pg != nil && pg.Code == "42601" // this server does not know the form yet
		switch Classify(sql).Transaction {
		case Outside:
			require.True(t, refused || older, "%s: %v", sql, err)
		default:
			require.False(t, refused, "%s: %v", sql, err)
		}
		_, err = conn.Exec(t.Context(), "rollback")
		require.NoError(t, err)
	}
}

// TestQuoteAgreesWithServer: every name and value comes back from the server as it went in, and no name is quoted by
// the server that is not quoted here.
func TestQuoteAgreesWithServer(t *testing.T) {
	t.Parallel()
	conn := pgtest.New(t).Connect(t.Context())
	rows, err := conn.Query(t.Context(), "select word, quote_ident(word) from pg_get_keywords()")
	require.NoError(t, err)
	var words, quoted []string
	for rows.Next() {
		var word, q string
		require.NoError(t, rows.Scan(&word, &q))
		words, quoted = append(words, word), append(quoted, q)
	}
	require.NoError(t, rows.Err())
	require.Greater(t, len(words), 400)
	for i, word := range words {
		if strings.HasPrefix(quoted[i], `"`) {
			require.Equal(t, quoted[i], QuoteIdent(word))
		}
	}
	for _, value := range append(words, "plain", "Mixed", `q"uote`, "it's", `back\slash`, "ünïcode", "a b", "1a", "new\nline", "$x$", "%", `\'`) {
		var name, literal string
		sql := "select " + QuoteLiteral(value) + " as " + QuoteIdent(value)
		row := conn.QueryRow(t.Context(), sql)
		require.NoError(t, row.Scan(&literal), sql)
		require.Equal(t, value, literal)
		rows, err := conn.Query(t.Context(), sql)
		require.NoError(t, err)
		name = rows.FieldDescriptions()[0].Name
		rows.Close()
		require.Equal(t, value, name)
	}
}
