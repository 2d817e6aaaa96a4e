package orders

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/source"
)

// The same folder gives three plans: each environment's own files, values and rules.
func TestEachEnvironmentHasItsOwnPlan(t *testing.T) {
	for name, want := range map[string]struct {
		seeds     bool
		retention string
		protected bool
		lockRetry time.Duration
	}{
		"dev":        {true, "30 days", false, 30 * time.Second},
		"staging":    {false, "90 days", false, time.Minute},
		"production": {false, "2 years", true, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			project, err := environments.Load(environments.Options{
				Dir: "../..", Env: name,
				Environ: []string{"DATABASE_URL=postgres:///shop", "STAGING_DATABASE_URL=postgres:///shop"},
			})
			require.NoError(t, err)
			env := project.Environment
			require.Equal(t, want.protected, env.Protected)
			require.Equal(t, want.lockRetry, env.LockRetry)
			require.Equal(t, name == "dev", env.Embedded())

			set, err := source.Load(t.Context(), source.Locate(project.Migrations), source.Options{
				Placeholders: source.Placeholders{Values: env.Placeholders},
				Depth:        source.Thorough,
			})
			require.NoError(t, err)
			require.Empty(t, set.Warnings)
			plan, err := migrate.NewPlan(set.Migrations, migrate.Fold(nil), migrate.Request{Direction: migrate.Up, Environment: name})
			require.NoError(t, err)

			versioned, repeatable := names(t)
			steps := len(versioned) + len(repeatable)
			if !want.seeds {
				steps--
			}
			require.Len(t, plan.Steps, steps)
			for _, step := range plan.Steps {
				require.False(t, step.Migration.Name == "seed_shop" && !want.seeds, "seeds are for dev alone")
				if step.Migration.Name == "create_data_retention" {
					require.Contains(t, step.Script.Text, "'"+want.retention+"'")
					require.NotContains(t, step.Script.Text, "${")
				}
				require.Equal(t, strings.HasPrefix(step.Migration.Name, "index_"), !step.Transactional, "%s: %s", step.Migration.Name, step.Reason)
			}
		})
	}
}
