package document

import (
	"cmp"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/kedgedb/kedge/schema"
)

// Lengths of the drawing, in pixels.
const (
	letterWidth  = 7.2 // of the 12 px monospaced font
	rowHeight    = 18.0
	headHeight   = 26.0
	tablePadding = 10.0
	columnGap    = 96.0
	tableGap     = 26.0
	clusterPad   = 28.0
	clusterHead  = 24.0
	clusterGap   = 48.0
	tallest      = 1500.0 // a column of tables that grows taller is split
	allColumns   = 60     // with more tables than this, only key columns are drawn
)

// box is a table's place in the drawing.
type box struct {
	table      *Table
	rows       []*Column
	x, y, w, h float64
}

// cluster is a schema's tables in a frame.
type cluster struct {
	page       *Page
	boxes      []*box
	x, y, w, h float64
}

// drawing is where everything stands.
type drawing struct {
	clusters []*cluster
	boxes    map[schema.ID]*box
	w, h     float64
}

// lay finds a place for every table: referred tables stand left of those that
// refer to them, schemas in frames of their own. It depends on nothing but names.
func (b *Book) lay() *drawing {
	d := &drawing{boxes: map[schema.ID]*box{}}
	total := 0
	for _, p := range b.Schemas {
		total += len(p.Tables)
	}
	for _, p := range b.Schemas {
		if len(p.Tables) == 0 {
			continue
		}
		c := &cluster{page: p}
		for _, t := range p.Tables {
			x := newBox(t, total > allColumns)
			c.boxes = append(c.boxes, x)
			d.boxes[t.ID] = x
		}
		c.lay(d)
		d.clusters = append(d.clusters, c)
	}
	d.shelve()
	return d
}

func newBox(t *Table, keysOnly bool) *box {
	x := &box{table: t}
	width := utf8.RuneCountInString(t.Name)
	for _, c := range t.Columns {
		if keysOnly && !c.Primary && !c.Foreign {
			continue
		}
		x.rows = append(x.rows, c)
		width = max(width, utf8.RuneCountInString(c.Name)+utf8.RuneCountInString(c.Type)+6)
	}
	x.w = math.Ceil(float64(min(width, 60))*letterWidth) + 2*tablePadding
	x.h = headHeight + rowHeight*float64(len(x.rows)) + tablePadding/2
	return x
}

// neighbours are the boxes of the same cluster that a table refers to, and that
// refer to it.
func (c *cluster) neighbours(d *drawing) (to, from map[*box][]*box) {
	to, from = map[*box][]*box{}, map[*box][]*box{}
	inside := map[*box]bool{}
	for _, x := range c.boxes {
		inside[x] = true
	}
	for _, x := range c.boxes {
		for _, r := range x.table.Refers {
			if y := d.boxes[r.To]; y != nil && y != x && inside[y] {
				to[x] = append(to[x], y)
				from[y] = append(from[y], x)
			}
		}
	}
	return to, from
}

func (c *cluster) lay(d *drawing) {
	to, from := c.neighbours(d)
	level := levels(c.boxes, to)
	approach(level, c.boxes, from)
	var columns [][]*box
	var alone []*box
	for _, x := range c.boxes {
		if len(to[x])+len(from[x]) == 0 {
			alone = append(alone, x)
			continue
		}
		for len(columns) <= level[x] {
			columns = append(columns, nil)
		}
		columns[level[x]] = append(columns[level[x]], x)
	}
	untangle(columns, to, from)
	columns = append(splitTall(columns), grid(alone)...)
	x := clusterPad
	for _, column := range columns {
		if len(column) == 0 {
			continue
		}
		y, widest := clusterPad+clusterHead, 0.0
		for _, b := range column {
			b.x, b.y = x, y
			y += b.h + tableGap
			widest = max(widest, b.w)
		}
		c.h = max(c.h, y-tableGap+clusterPad)
		x += widest + columnGap
	}
	c.w = x - columnGap + clusterPad
}

// levels is how many references deep a table stands; a ring of references is
// cut where it is first entered.
func levels(boxes []*box, to map[*box][]*box) map[*box]int {
	level := map[*box]int{}
	busy := map[*box]bool{}
	var depth func(*box) int
	depth = func(x *box) int {
		if l, known := level[x]; known {
			return l
		}
		busy[x] = true
		deepest := 0
		for _, y := range to[x] {
			if !busy[y] {
				deepest = max(deepest, depth(y)+1)
			}
		}
		busy[x] = false
		level[x] = deepest
		return deepest
	}
	for _, x := range boxes {
		depth(x)
	}
	return level
}

// approach moves tables right, next to the nearest one that refers to them, so
// that lines stay short.
func approach(level map[*box]int, boxes []*box, from map[*box][]*box) {
	order := slices.Clone(boxes)
	slices.SortStableFunc(order, func(a, b *box) int { return level[b] - level[a] })
	for _, x := range order {
		nearest := -1
		for _, y := range from[x] {
			if level[y] > level[x] && (nearest < 0 || level[y] < nearest) {
				nearest = level[y]
			}
		}
		if nearest > 0 {
			level[x] = max(level[x], nearest-1)
		}
	}
}

// untangle orders each column by where its neighbours stand.
func untangle(columns [][]*box, to, from map[*box][]*box) {
	at := map[*box]float64{}
	for _, column := range columns {
		for i, x := range column {
			at[x] = float64(i)
		}
	}
	sweep := func(column []*box, beside map[*box][]*box) {
		middle := map[*box]float64{}
		for _, x := range column {
			middle[x] = at[x]
			if len(beside[x]) > 0 {
				sum := 0.0
				for _, y := range beside[x] {
					sum += at[y]
				}
				middle[x] = sum / float64(len(beside[x]))
			}
		}
		slices.SortStableFunc(column, func(a, b *box) int { return cmp.Compare(middle[a], middle[b]) })
		for i, x := range column {
			at[x] = float64(i)
		}
	}
	for range 4 {
		for i := 1; i < len(columns); i++ {
			sweep(columns[i], to)
		}
		for i := len(columns) - 2; i >= 0; i-- {
			sweep(columns[i], from)
		}
	}
}

func splitTall(columns [][]*box) [][]*box {
	var out [][]*box
	for _, column := range columns {
		var part []*box
		height := 0.0
		for _, x := range column {
			if height+x.h > tallest && len(part) > 0 {
				out, part, height = append(out, part), nil, 0
			}
			part = append(part, x)
			height += x.h + tableGap
		}
		out = append(out, part)
	}
	return out
}

// grid puts tables without references into columns of their own.
func grid(alone []*box) [][]*box {
	height := 0.0
	for _, x := range alone {
		height += x.h + tableGap
	}
	limit := max(600, min(tallest, math.Sqrt(height*260)))
	var columns [][]*box
	var column []*box
	filled := 0.0
	for _, x := range alone {
		if filled+x.h > limit && len(column) > 0 {
			columns, column, filled = append(columns, column), nil, 0
		}
		column = append(column, x)
		filled += x.h + tableGap
	}
	if len(column) > 0 {
		columns = append(columns, column)
	}
	return columns
}

// shelve puts the clusters on shelves, the drawing about as wide as a screen is.
func (d *drawing) shelve() {
	area, widest := 0.0, 0.0
	for _, c := range d.clusters {
		area += (c.w + clusterGap) * (c.h + clusterGap)
		widest = max(widest, c.w)
	}
	limit := max(widest, math.Sqrt(area*1.6))
	x, y, shelf := clusterGap/2, clusterGap/2, 0.0
	for _, c := range d.clusters {
		if x > clusterGap/2 && x+c.w > limit+clusterGap {
			x, y, shelf = clusterGap/2, y+shelf+clusterGap, 0
		}
		c.x, c.y = x, y
		for _, b := range c.boxes {
			b.x, b.y = b.x+x, b.y+y
		}
		x += c.w + clusterGap
		shelf = max(shelf, c.h)
		d.w, d.h = max(d.w, x-clusterGap/2), max(d.h, y+shelf+clusterGap/2)
	}
	d.w, d.h = max(d.w, 200), max(d.h, 100)
}

// row is the middle of a column's row, of the head when it is not drawn.
func (x *box) row(column string) float64 {
	for i, c := range x.rows {
		if c.Name == column {
			return x.y + headHeight + rowHeight*(float64(i)+0.5)
		}
	}
	return x.y + headHeight/2
}
