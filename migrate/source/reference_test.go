package source

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/migrate"
)

func TestReferenceSchema(t *testing.T) {
	steps := map[string]int{}
	for environment, retention := range map[string]string{"dev": "30 days", "production": "2 years"} {
		set, err := Load(context.Background(), Location{Path: "../../schema/orders/migrations"}, Options{Depth: Thorough, Placeholders: Placeholders{Values: map[string]string{"retention": retention}}})
		require.NoError(t, err)
		require.Empty(t, set.Warnings)
		plan, err := migrate.NewPlan(set.Migrations, migrate.History{}, migrate.Request{Environment: environment})
		require.NoError(t, err)
		steps[environment] = len(plan.Steps)
		for _, s := range plan.Steps {
			if s.Migration.Name == "create_data_retention" {
				require.Contains(t, s.Script.Text, "'users', '"+retention+"',")
			}
			require.Equal(t, s.Migration.Name != "index_order_status" && s.Migration.Name != "index_order_items_product", s.Transactional, "%s: %s", s.Script.File, s.Reason)
		}
	}
	require.Equal(t, steps["production"]+1, steps["dev"], "seed data is for dev alone")
}
