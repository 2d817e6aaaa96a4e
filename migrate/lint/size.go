package lint

import (
	"fmt"
	"time"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/migrate/lint/rules"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Throughput is how many bytes of a table a server gets through in a second, by what it does with them.
type Throughput struct {
	Read, Build, Rewrite float64
	Measured             bool // on this server, and not taken from others
}

// Assumed is the throughput of an ordinary server under load: a table that is not in memory read at 200 MB/s, an index
// built from it at 40 MB/s, rows written anew with their indexes at 25 MB/s.
var Assumed = Throughput{Read: 200e6, Build: 40e6, Rewrite: 25e6}

// Scaled returns the assumed throughput in proportion to a reading speed that was measured.
func Scaled(read float64) Throughput {
	return Throughput{Read: read, Build: Assumed.Build * read / Assumed.Read, Rewrite: Assumed.Rewrite * read / Assumed.Read, Measured: true}
}

// Duration estimates how long work on so many bytes takes.
func (t Throughput) Duration(work rules.Work, bytes int64) time.Duration {
	speed := map[rules.Work]float64{rules.Reads: t.Read, rules.Builds: t.Build, rules.Rewrites: t.Rewrite}[work]
	if speed == 0 {
		return 0
	}
	return time.Duration(float64(bytes) / speed * float64(time.Second))
}

// What makes a finding weigh less, and more. Work of 50 ms goes by unnoticed; work of ten seconds is an outage.
const (
	unnoticed = 50 * time.Millisecond
	outage    = 10 * time.Second
	busy      = 100 // reads and writes in a second
)

// sized returns what the target says of a relation: its bytes, those of its partitions included, and its rows.
func (r *run) sized(name ddl.Name) (bytes, rows int64, known bool) {
	if r.opt.Target == nil || r.opt.Target.Scene == nil || name.IsZero() {
		return 0, 0, false
	}
	rel := r.opt.Target.Scene.Relation(name)
	if rel == nil {
		return 0, 0, false
	}
	bytes, rows = rel.Bytes, rel.Rows
	for _, d := range r.opt.Target.Scene.Descendants(name) {
		bytes, rows = bytes+d.Bytes, rows+d.Rows
	}
	return bytes, rows, true
}

// weigh raises or lowers a finding's severity by the size and the traffic of the table.
func (r *run) weigh(f *finding.Finding, found rules.Found) {
	bytes, _, known := r.sized(found.Object)
	if !known {
		return
	}
	took := r.opt.Throughput.Duration(found.Work, bytes)
	traffic := r.opt.Target.Traffic[r.opt.Target.Scene.Relation(found.Object).Name.String()]
	switch {
	case found.Work != rules.Momentary && took < unnoticed:
		f.Severity = min(f.Severity, finding.Notice)
	case f.Severity == finding.Warning && (took >= outage || found.Work != rules.Momentary && traffic.ReadsPerSecond+traffic.WritesPerSecond >= busy):
		f.Severity = finding.Error
	}
}

// estimate says for people how long a lock is held.
func (r *run) estimate(found rules.Found) string {
	bytes, rows, known := r.sized(found.Object)
	if !known {
		return ""
	}
	name := found.Object.String()
	if found.Work == rules.Momentary {
		return fmt.Sprintf("%s on %s (%s, %s rows) for a moment, once it gets it", found.Lock, name, Bytes(bytes), Count(rows))
	}
	speed := "at an assumed speed"
	if r.opt.Throughput.Measured {
		speed = "at the speed measured"
	}
	return fmt.Sprintf("%s on %s (%s, %s rows) for about %s, %s", found.Lock, name, Bytes(bytes), Count(rows), About(r.opt.Throughput.Duration(found.Work, bytes)), speed)
}

// Bytes writes a size for people, in powers of 1024 as PostgreSQL writes them.
func Bytes(n int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB", "PB"}
	size, unit := float64(n), 0
	for size >= 1024 && unit < len(units)-1 {
		size, unit = size/1024, unit+1
	}
	if unit == 0 || size >= 100 {
		return fmt.Sprintf("%.0f %s", size, units[unit])
	}
	return fmt.Sprintf("%.1f %s", size, units[unit])
}

// Count writes a number of rows for people.
func Count(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprint(n)
	case n < 1_000_000:
		return fmt.Sprintf("%.0f thousand", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f million", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f billion", float64(n)/1e9)
}

// About writes an estimated duration for people, as roughly as it is known.
func About(d time.Duration) string {
	switch {
	case d < 100*time.Millisecond:
		return "a moment"
	case d < time.Second:
		return "a second"
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}
