package document

import (
	"fmt"
	"html"
	"math"
	"strings"

	"github.com/kedgedb/kedge/schema"
)

const svgStyle = `.frame{fill:#8881;stroke:#8886}.name{font-weight:600}.head{fill:#2f6f9f}.head-text{fill:#fff;font-weight:600}` +
	`.body{fill:#fff;stroke:#2f6f9f}.type{fill:#777}.key{font-weight:600}.line{fill:none;stroke:#555;stroke-width:1.2}.mark{fill:none;stroke:#555;stroke-width:1.2}.hole{fill:#fff;stroke:#555}` +
	`.table:hover .body{stroke-width:2.5}.ref:hover .line,.ref:hover .mark{stroke:#d84315;stroke-width:2.4}text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#222}` +
	`@media(prefers-color-scheme:dark){.body{fill:#1d2329}text{fill:#ddd}.type{fill:#999}.line,.mark,.hole{stroke:#aaa}.hole{fill:#1d2329}}`

// SVG draws a model as an entity-relationship diagram: a frame a schema, crow's
// feet at the many end of a reference, a circle where it is optional. With many
// tables only key columns are drawn.
func SVG(m *schema.Model) (string, error) {
	return NewBook(m).svg("kedge-diagram"), nil
}

func (b *Book) svg(id string) string {
	d := b.lay()
	var w strings.Builder
	fmt.Fprintf(&w, `<svg xmlns="http://www.w3.org/2000/svg" id="%s" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img" aria-label="Entity-relationship diagram">`+"\n", id, d.w, d.h, d.w, d.h)
	fmt.Fprintf(&w, "<style>%s</style>\n", svgStyle)
	for _, c := range d.clusters {
		fmt.Fprintf(&w, `<rect class="frame" x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="10"/><text class="name" x="%.0f" y="%.0f">%s</text>`+"\n",
			c.x, c.y, c.w, c.h, c.x+14, c.y+20, escape(c.page.Name))
	}
	for _, r := range b.References() {
		d.reference(&w, r)
	}
	for _, c := range d.clusters {
		for _, x := range c.boxes {
			x.write(&w)
		}
	}
	w.WriteString("</svg>\n")
	return w.String()
}

func escape(s string) string { return html.EscapeString(visible(s)) }

func (x *box) write(w *strings.Builder) {
	t := x.table
	fmt.Fprintf(w, `<a href="#%s" class="table"><g><title>%s</title>`, anchor(t.Name), escape(strings.TrimSpace(t.Name+"\n"+t.Comment)))
	fmt.Fprintf(w, `<rect class="body" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="5"/>`, x.x, x.y, x.w, x.h)
	fmt.Fprintf(w, `<path class="head" d="M%.1f %.1fv-%.0fq0 -5 5 -5h%.1fq5 0 5 5v%.0fz"/>`, x.x, x.y+headHeight, headHeight-5, x.w-10, headHeight-5)
	fmt.Fprintf(w, `<text class="head-text" x="%.1f" y="%.1f">%s</text>`, x.x+tablePadding, x.y+17.5, escape(cut(t.Name, 60)))
	for i, c := range x.rows {
		y := x.y + headHeight + rowHeight*float64(i) + 13
		class := ""
		if c.Primary {
			class = ` class="key"`
		}
		mark := ""
		if c.Nullable {
			mark = "?"
		}
		fmt.Fprintf(w, `<text%s x="%.1f" y="%.1f">%s</text>`, class, x.x+tablePadding, y, escape(cut(c.Name+mark, 40)))
		fmt.Fprintf(w, `<text class="type" x="%.1f" y="%.1f" text-anchor="end">%s</text>`, x.x+x.w-tablePadding, y, escape(cut(c.Type, 30)))
	}
	w.WriteString("</g></a>\n")
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// reference draws a foreign key from the row that refers to the row it refers to.
func (d *drawing) reference(w *strings.Builder, r *Reference) {
	from, to := d.boxes[r.From], d.boxes[r.To]
	y1, y2 := from.row(first(r.Columns)), to.row(first(r.Referred))
	x1, x2 := from.x, to.x+to.w // leaves to the left, arrives from the right
	out, in := -1.0, 1.0
	switch {
	case from == to || from.x < to.x+to.w && to.x < from.x+from.w:
		x1, out = from.x+from.w, 1
	case from.x+from.w <= to.x:
		x1, out = from.x+from.w, 1
		x2, in = to.x, -1
	}
	bend := max(36, math.Abs(x1-x2)/2)
	if from == to || x1 == x2 {
		bend = 44
	}
	fmt.Fprintf(w, `<g class="ref"><title>%s</title>`, escape(fmt.Sprintf("%s: %s (%s) → %s (%s)", r.Name, qualified(r.From), strings.Join(r.Columns, ", "), qualified(r.To), strings.Join(r.Referred, ", "))))
	fmt.Fprintf(w, `<path class="line" d="M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f"/>`, x1, y1, x1+out*bend, y1, x2+in*bend, y2, x2, y2)
	if r.One {
		fmt.Fprintf(w, `<path class="mark" d="M%.1f %.1fv10"/>`, x1+out*9, y1-5)
	} else {
		fmt.Fprintf(w, `<path class="mark" d="M%.1f %.1fL%.1f %.1fL%.1f %.1f"/>`, x1, y1-5, x1+out*10, y1, x1, y1+5)
	}
	fmt.Fprintf(w, `<circle class="hole" cx="%.1f" cy="%.1f" r="3"/>`, x1+out*13.5, y1)
	fmt.Fprintf(w, `<path class="mark" d="M%.1f %.1fv10"/>`, x2+in*6, y2-5)
	if r.Optional {
		fmt.Fprintf(w, `<circle class="hole" cx="%.1f" cy="%.1f" r="3"/>`, x2+in*11, y2)
	} else {
		fmt.Fprintf(w, `<path class="mark" d="M%.1f %.1fv10"/>`, x2+in*10, y2-5)
	}
	w.WriteString("</g>\n")
}
