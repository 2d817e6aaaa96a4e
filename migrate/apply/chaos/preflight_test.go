//go:build unix

package chaos

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
)

// What would make a run wait, or hard to undo, is said before its first step.
func TestChaosPreflight(t *testing.T) {
	t.Parallel()
	settings := map[string]string{
		"max_prepared_transactions": "5", "wal_level": "replica", "archive_mode": "on", "archive_command": "false", "max_replication_slots": "3",
	}
	if full() { // it takes a hundred thousand transactions
		settings["autovacuum"], settings["autovacuum_freeze_max_age"], settings["autovacuum_naptime"] = "on", "100000", "1s"
		settings["autovacuum_vacuum_cost_delay"], settings["autovacuum_vacuum_cost_limit"] = "100", "1"
	}
	s := pgtest.Server(t, pgtest.ServerOptions{Settings: settings})
	url := s.Create("watched")
	c := s.Connect(t.Context(), "watched")
	execute(t, c, "CREATE TABLE t AS SELECT g, repeat('x', 200) FROM generate_series(1, 50000) g")
	expected := []string{"has a transaction open", "prepared transaction 'left over'", "replication slot forgotten is not in use", "archiving the write-ahead log fails"}
	if full() {
		execute(t, c, "DO $$ BEGIN FOR i IN 1..101000 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$")
		eventually(t, c, "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%to prevent wraparound%' AND backend_type = 'autovacuum worker'")
		expected = append(expected, "to prevent wraparound")
	}
	execute(t, c, "SELECT pg_create_physical_replication_slot('forgotten', true)")
	execute(t, c, "BEGIN; CREATE TABLE p (); PREPARE TRANSACTION 'left over'")
	execute(t, c, "SELECT pg_switch_wal()")
	eventually(t, c, "SELECT last_failed_time IS NOT NULL FROM pg_stat_archiver")
	execute(t, s.Connect(t.Context(), "watched"), "BEGIN; SELECT txid_current()")

	var warnings []string
	begun := false
	report, err := apply.Run(t.Context(), apply.URL(url), []*migrate.Migration{inline("1", "CREATE TABLE a ();")}, up, apply.Options{
		LongTransaction: time.Millisecond,
		Observer: func(p migrate.Progress) {
			begun = begun || p.Kind == migrate.StepStarted
			if p.Kind == migrate.Warning && !begun {
				warnings = append(warnings, p.Message)
			}
		},
	})
	require.NoError(t, err)
	require.Equal(t, warnings, report.Warnings)
	said := strings.Join(warnings, "\n")
	for _, e := range expected {
		require.Contains(t, said, e)
	}
	execute(t, c, "ROLLBACK PREPARED 'left over'")
}
