package apply

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

// concern is something that makes a run wait, or hard to undo, and is better known before it begins.
type concern struct {
	query string // one text column: what to say
}

// concerns are what preflight looks for. A role that may not see other
// sessions' details is told less.
func concerns(long time.Duration) []concern {
	return []concern{
		{`SELECT format('pid %s (user %s, application %s) has a transaction open for %s: what it locked is waited for, and CREATE INDEX CONCURRENTLY waits for its end: %s',
 pid, usename, quote_literal(application_name), date_trunc('second', clock_timestamp() - xact_start), left(regexp_replace(query, '\s+', ' ', 'g'), 100))
 FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND application_name NOT LIKE 'kedge %'
 AND xact_start < clock_timestamp() - interval '` + strconv.FormatInt(long.Milliseconds(), 10) + ` milliseconds' ORDER BY xact_start LIMIT 5`},
		{`SELECT format('prepared transaction %s of %s holds its locks since %s until COMMIT PREPARED or ROLLBACK PREPARED', quote_literal(gid), owner, date_trunc('second', prepared))
 FROM pg_catalog.pg_prepared_xacts WHERE database = current_database() ORDER BY prepared LIMIT 5`},
		{`SELECT format('pid %s keeps its locks until it ends and does not give way to ALTER TABLE: %s', pid, query)
 FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND backend_type = 'autovacuum worker' AND query LIKE '%to prevent wraparound%' LIMIT 5`},
		{`SELECT format('replication slot %s is not in use and keeps %s of write-ahead log: a large migration adds to it', slot_name, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)))
 FROM pg_catalog.pg_replication_slots WHERE NOT active AND restart_lsn IS NOT NULL LIMIT 5`},
		{`SELECT format('archiving the write-ahead log fails since %s: a recovery could not reach this run', date_trunc('second', last_failed_time))
 FROM pg_catalog.pg_stat_archiver WHERE current_setting('archive_mode') <> 'off' AND last_failed_time > coalesce(last_archived_time, '-infinity')`},
	}
}

// preflight warns of what would make the run wait, before it begins, and marks
// the point in the write-ahead log to which a recovery could go back.
func (r *runner) preflight(ctx context.Context) error {
	sql := ""
	list := concerns(r.o.LongTransaction)
	for _, c := range list {
		sql += c.query + ";\n"
	}
	if r.facts.restorePoint {
		sql += "SELECT pg_catalog.pg_create_restore_point(" + ddl.QuoteLiteral(truncate("kedge "+orElse(r.plan.To.String(), "down"), 63)) + ");\n"
	}
	reply, err := r.main.exec(ctx, sql)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && ctx.Err() == nil && r.main.open() {
		r.warn("the look before the run was cut short: %s", pg.Message)
		err = nil
	}
	if err != nil {
		return describe(err, "looking before the run")
	}
	for i := range list {
		for _, row := range reply.result(i) {
			r.warn("%s", text(row[0]))
		}
	}
	return nil
}

// throttle waits while a standby is further behind than the options allow.
func (r *runner) throttle(ctx context.Context, i int) error {
	limit := r.o.Throttle.ReplicationLag
	if limit <= 0 {
		return nil
	}
	started := time.Now()
	for {
		reply, err := r.main.exec(ctx, `SELECT count(*), count(*) FILTER (WHERE state IS NULL),
 (max(EXTRACT(epoch FROM replay_lag)) * 1000)::bigint FROM pg_catalog.pg_stat_replication WHERE application_name <> 'pg_basebackup'`)
		if err != nil {
			return describe(err, "looking at the standbys' lag")
		}
		row := reply.rows[0]
		if text(row[1]) != "0" && !r.blind {
			r.blind = true
			r.warn("the lag of standbys is not shown to role %s: grant it pg_monitor, or the run does not wait for them", r.facts.user)
		}
		lag := time.Duration(number(row[2])) * time.Millisecond
		if lag <= limit {
			return nil
		}
		r.tell(migrate.Progress{
			Kind: migrate.WaitingForLag, Step: &r.plan.Steps[i], Number: i + 1, Elapsed: time.Since(started), Delay: lagPause,
			Message: fmt.Sprintf("a standby is %s behind, %s are allowed", lag.Round(time.Millisecond), limit),
		})
		if err := sleep(ctx, lagPause); err != nil {
			return err
		}
	}
}

const lagPause = 250 * time.Millisecond
