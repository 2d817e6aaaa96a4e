package lint

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kedgedb/kedge/schema/ddl"
)

// measured is how much MeasureReading reads at most, in bytes.
const measured = 32 << 20

// MeasureReading reads the beginning of the largest table, up to 32 MB and for two seconds, and returns how many
// bytes a second that was; 0 where no table has a megabyte, or reading took too long. It needs PostgreSQL 14.
func MeasureReading(ctx context.Context, conn *pgx.Conn, scene *ddl.Scene) (float64, error) {
	var largest *ddl.Relation
	for _, r := range scene.Relations {
		if r.Kind == ddl.Table && r.Bytes >= 1<<20 && (largest == nil || r.Bytes > largest.Bytes) {
			largest = r
		}
	}
	if largest == nil || Major(conn) < 14 {
		return 0, nil
	}
	bytes := min(largest.Bytes, measured)
	query := fmt.Sprintf("SELECT count(*) >= 0 FROM %s WHERE ctid < '(%d,0)'", largest.Name, bytes/8192)
	start := time.Now()
	if _, err := ask(ctx, conn, query); err != nil {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return 0, nil // it may not be read, or not in time
	}
	took := time.Since(start)
	return float64(bytes) / took.Seconds(), nil
}
