package apply

import (
	"context"
	"strings"

	"github.com/kedgedb/kedge/migrate"
)

// Adoption is a migration that took effect by other means.
type Adoption struct {
	Migration *migrate.Migration
	Note      string // why it is taken as present
	// Baseline says that everything up to the migration's version is present.
	Baseline bool
}

// AdoptAll records migrations as applied, in one transaction with the other
// statements. Those that history has as applied already are passed over.
func AdoptAll(ctx context.Context, to Connector, adoptions []Adoption, also []string, o Options) error {
	_, err := write(ctx, to, nil, o, func(ctx context.Context, r *runner, h migrate.History) error {
		var b strings.Builder
		b.WriteString("BEGIN;\n" + r.asHistorian())
		for _, fence := range r.fence() {
			b.WriteString(fence + ";\n")
		}
		for _, a := range adoptions {
			m := a.Migration
			if _, there := h.Applied(m.Key()); there && !a.Baseline {
				continue
			}
			kept := scripts{}
			e := migrate.Entry{Event: migrate.Adopted, Direction: migrate.Up, Version: m.Version, Name: m.Name, Kind: m.Kind, Note: a.Note}
			if a.Baseline {
				e.Event, e.Direction, e.Kind = migrate.Baselined, "", migrate.Baseline
			}
			if m.Up != nil {
				if _, err := m.Up.Sum(); err != nil {
					return err
				}
				e.File, e.Checksum = m.Up.File, m.Up.Checksum
				var err error
				if kept, err = keptScripts(m); err != nil {
					return err
				}
			}
			e = r.signed(e)
			b.WriteString(r.store.insertSQL(&e, given, kept) + ";\n")
		}
		for _, sql := range also {
			b.WriteString(sql + ";\n")
		}
		b.WriteString("COMMIT")
		if _, err := r.main.exec(ctx, b.String()); err != nil {
			rollBack(ctx, r.main)
			return r.store.explain(err)
		}
		return nil
	})
	return describe(err, "recording migrations as applied")
}
