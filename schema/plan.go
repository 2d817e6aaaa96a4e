package schema

import (
	"slices"
)

type action uint8

const (
	dropping  action = iota
	aside            // a replaced object steps out of its name
	altering         // in place
	creating         // with the parts written inside
	finishing        // what comes after the creation
	asideGone        // what stepped aside goes
)

// node is one thing to do to one object. A node with a host is done by the
// host's statement.
type node struct {
	object Object
	item   *item
	action action
	host   int32 // -1: on its own
	inline Inline
	parts  []int32
	// statements are set for nodes that are known early; creations are written last.
	statements []Statement
	late       bool
	cascade    bool  // drops that need each other and are done by this one
	split      uint8 // 1: the stand-in of a split creation, 2: its completion
	block      ID
	after      []edge
}

type edge struct {
	on   int32
	weak bool
}

type planner struct {
	*differ
	nodes   []node
	creates places // in To
	alters  places // in To
	drops   places // in From
	gone    places // in From: asideGone
	moving  []int32
}

// places are nodes by the position of their object in a model, plus one.
type places struct {
	model *Model
	nodes []int32
}

func newPlaces(m *Model) places { return places{m, make([]int32, len(m.objects))} }

func (p places) of(id ID) (int32, bool) {
	at, ok := p.model.index[id]
	if !ok {
		return 0, false
	}
	return p.at(at)
}

func (p places) at(position int32) (int32, bool) {
	return p.nodes[position] - 1, p.nodes[position] > 0
}

func (p places) set(id ID, node int32) { p.nodes[p.model.index[id]] = node + 1 }

func (d *differ) plan() ([]Statement, error) {
	p := &planner{differ: d, creates: newPlaces(d.To), alters: newPlaces(d.To), drops: newPlaces(d.From), gone: newPlaces(d.From)}
	p.addNodes()
	p.joinMoves()
	p.inlineParts()
	p.takeDrops()
	p.connect()
	order, err := p.sort()
	if err != nil {
		return nil, err
	}
	return p.write(order), nil
}

func (p *planner) node(n node) int32 {
	n.host = -1
	n.block = p.blockOf(n)
	p.nodes = append(p.nodes, n)
	return int32(len(p.nodes) - 1)
}

func (p *planner) blockOf(n node) ID {
	model := p.To
	if n.action == dropping || n.action == aside || n.action == asideGone {
		model = p.From
	}
	o := n.object
	for {
		parent := model.Object(o.Parent())
		if parent == nil {
			return o.ID()
		}
		o = parent
	}
}

func (p *planner) addNodes() {
	for _, it := range p.order {
		switch it.state {
		case created:
			p.addCreate(it)
		case dropped:
			if it.swap {
				p.addAside(it)
				continue
			}
			at := p.node(node{object: it.from, item: it, action: dropping})
			p.drops.set(it.id, at)
			for _, s := range it.from.Drop(p.Context) {
				p.nodes[at].late = p.nodes[at].late || s.Late
			}
		case replaced:
			if it.swap {
				p.addAside(it)
			} else {
				p.drops.set(it.id, p.node(node{object: it.from, item: it, action: dropping}))
			}
			p.addCreate(it)
		case altered:
			at := p.node(node{object: it.to, item: it, action: altering, statements: it.alter})
			p.alters.set(it.id, at)
			p.lateNodes(at)
		}
	}
}

func (p *planner) addAside(it *item) {
	swapper := it.from.(Swapper)
	p.drops.set(it.id, p.node(node{object: it.from, item: it, action: aside, statements: swapper.Aside(p.Context)}))
	p.gone.set(it.id, p.node(node{object: it.from, item: it, action: asideGone, statements: swapper.DropAside(p.Context)}))
}

func (p *planner) addCreate(it *item) {
	at := p.node(node{object: it.to, item: it, action: creating})
	p.creates.set(it.id, at)
	if finisher, ok := it.to.(Finisher); ok {
		for _, s := range finisher.Finish(p.Context) {
			next := p.node(node{object: it.to, item: it, action: finishing, statements: []Statement{s}, late: s.Late})
			p.nodes[next].after = append(p.nodes[next].after, edge{on: at})
			at = next
		}
	}
}

// joinMoves lets the object that data are read from go with those that the data are in.
func (p *planner) joinMoves() {
	for _, it := range p.order {
		mover, ok := it.from.(Mover)
		if !ok || !it.swap {
			continue
		}
		root, _ := mover.Moves(p.Context)
		at, ok := p.gone.of(it.id)
		if top, found := p.gone.of(root); ok && found && top != at {
			p.nodes[at].host, p.nodes[at].inline = top, Fixed
		}
		if root == it.id {
			p.moving = append(p.moving, at)
		}
	}
}

// aroundMoves puts what the data need before their move and what needs the data after it.
func (p *planner) aroundMoves(at int32) {
	ordered, ok := p.nodes[at].object.(DataOrdered)
	if !ok {
		return
	}
	for _, moving := range p.moving {
		switch ordered.DataOrder() {
		case BeforeData:
			p.before(at, moving, true)
		case AfterData:
			p.before(moving, at, true)
		}
	}
}

// keepUntilMoved keeps what an object that steps aside needs until its data moved.
func (p *planner) keepUntilMoved(at int32, id ID) {
	top := &p.nodes[p.root(at)]
	if _, ok := top.object.(Mover); !ok || top.action != aside {
		return
	}
	moved, _ := p.gone.of(top.object.ID())
	for on := range p.From.Dependencies(id) {
		if gone, ok := p.gone.of(on); ok {
			p.before(moved, gone, false)
		} else if drop, ok := p.drops.of(on); ok && p.nodes[p.root(drop)].action == dropping {
			p.before(moved, drop, true)
		}
	}
}

// lateNodes moves the late statements of an alteration into nodes of their own.
func (p *planner) lateNodes(at int32) {
	statements := p.nodes[at].statements
	var now []Statement
	for i, s := range statements {
		if !s.Late {
			now = append(now, s)
			continue
		}
		next := p.node(node{object: p.nodes[at].object, item: p.nodes[at].item, action: finishing, statements: statements[i : i+1], late: true})
		p.nodes[next].after = append(p.nodes[next].after, edge{on: at})
	}
	p.nodes[at].statements = now
}

// inlineParts lets parts be made and dropped by their parent's statement.
func (p *planner) inlineParts() {
	for i := range p.nodes {
		n := &p.nodes[i]
		parent := n.object.Parent()
		if parent.IsZero() {
			continue
		}
		switch n.action {
		case creating:
			host, ok := p.creates.of(parent)
			inliner, can := n.object.(Inliner)
			if ok && can {
				if n.inline = inliner.Inline(p.Context); n.inline != Apart {
					n.host = host
				}
			}
		case dropping:
			if _, swapped := p.gone.of(parent); swapped {
				n.host, _ = p.drops.of(parent)
				n.inline = Fixed
			} else if host, ok := p.drops.of(parent); ok && p.nodes[host].action == dropping {
				n.host, n.inline = host, Loose
				if n.object.Drop(p.Context) == nil {
					n.inline = Fixed
				} else if inliner, can := n.object.(Inliner); can && inliner.Inline(p.Context) >= Embedded {
					n.inline = inliner.Inline(p.Context)
				}
			}
		}
	}
}

// takeDrops lets objects' drops include those of the dependents they name.
func (p *planner) takeDrops() {
	for _, it := range p.order {
		taker, ok := it.from.(Taker)
		host, dropped := p.drops.of(it.id)
		if !ok || !dropped {
			continue
		}
		if gone, swapped := p.gone.of(it.id); swapped {
			host = gone
		}
		for _, user := range p.usersOf(it.id) {
			if at, ok := p.drops.of(user.ID()); ok && p.nodes[at].action == dropping && taker.Takes(user) {
				p.nodes[at].host, p.nodes[at].inline = host, Fixed
			}
		}
	}
}

// root is the node that does n's work.
func (p *planner) root(n int32) int32 {
	for p.nodes[n].host >= 0 {
		n = p.nodes[n].host
	}
	return n
}

func (p *planner) before(first, second int32, weak bool) {
	if first != second {
		p.nodes[second].after = append(p.nodes[second].after, edge{first, weak})
	}
}

// connect adds what must come before what.
func (p *planner) connect() {
	occupied := map[Slot][]int32{}
	for i := range p.nodes {
		if a := p.nodes[i].action; (a == dropping || a == aside) && p.nodes[p.root(int32(i))].action != asideGone {
			for _, slot := range slots(p.nodes[i].object) {
				occupied[slot] = append(occupied[slot], int32(i))
			}
		}
	}
	for i := range p.nodes {
		at := int32(i)
		n := &p.nodes[i]
		id := n.object.ID()
		switch n.action {
		case creating:
			p.aroundMoves(at)
			if n.item.state == replaced {
				for on := range p.From.Dependencies(id) {
					if drop, ok := p.drops.of(on); ok {
						p.before(drop, at, true)
					}
				}
			}
			later := p.finishRequires(n.object)
			for _, on := range p.To.dependencies[p.To.index[id]] {
				if later != nil && later[p.To.objects[on].ID()] {
					continue
				}
				if made, ok := p.creates.at(on); ok {
					p.before(made, at, false)
				} else if changed, ok := p.alters.at(on); ok {
					p.before(changed, at, false)
				}
			}
			if len(occupied) == 0 {
				break
			}
			for _, slot := range slots(n.object) {
				for _, d := range occupied[slot] {
					p.before(d, at, false)
				}
			}
		case altering:
			for on := range p.To.Dependencies(id) {
				if made, ok := p.creates.of(on); ok {
					p.before(made, at, len(n.statements) == 0)
				} else if changed, ok := p.alters.of(on); ok {
					p.before(changed, at, true)
				}
			}
			for on := range p.From.Dependencies(id) {
				if gone, ok := p.gone.of(on); ok {
					p.before(at, gone, false)
				} else if drop, ok := p.drops.of(on); ok {
					if _, again := p.creates.of(on); !again {
						p.before(at, drop, false)
					}
				}
			}
			for _, s := range n.statements {
				p.requireAll(at, s)
			}
		case finishing:
			for _, s := range n.statements {
				p.requireAll(at, s)
			}
		case dropping, aside:
			if p.relink(at) {
				break
			}
			p.keepUntilMoved(at, id)
			for on := range p.From.Dependencies(id) {
				// What is dropped under its old name goes before that changes.
				if drop, ok := p.drops.of(on); ok && (p.nodes[drop].action == dropping || n.action == dropping && p.nodes[p.root(at)].action == dropping) {
					p.before(at, drop, false)
				}
				if taker, ok := p.From.Object(on).(Taker); !ok || !taker.Takes(n.object) {
					p.beforeAltered(at, on)
				}
				if gone, ok := p.gone.of(on); ok {
					p.before(at, gone, false)
				}
			}
		case asideGone:
			if made, ok := p.creates.of(id); ok {
				p.before(made, at, false)
			}
			for on := range p.From.Dependencies(id) {
				if gone, ok := p.gone.of(on); ok {
					p.before(at, gone, false)
				} else if drop, ok := p.drops.of(on); ok {
					p.before(at, drop, true)
				}
			}
			if stepped, ok := p.drops.of(id); ok {
				p.before(stepped, at, false)
			}
		}
	}
}

// relink puts the dropping of a link that is only told anew behind the changes
// of the parts of both its sides; false when the node is no such thing.
func (p *planner) relink(at int32) bool {
	n := &p.nodes[at]
	link, ok := n.object.(Relinker)
	if !ok || n.item.state != replaced {
		return false
	}
	a, b, same := link.Relinks(n.item.to)
	_, goneA := p.drops.of(a)
	_, goneB := p.drops.of(b)
	if !same || goneA || goneB {
		return false
	}
	for i := range p.nodes {
		o := &p.nodes[i]
		if parent := o.object.Parent(); parent != a && parent != b || o.object == n.object || o.item == n.item {
			continue
		}
		switch o.object.ID().Kind {
		case "column":
			p.before(int32(i), at, false)
		case "constraint":
			p.before(int32(i), at, true)
		case "index":
			p.before(int32(i), at, o.action != dropping)
		}
	}
	return true
}

// beforeAltered puts a node before the alteration of an object and of what
// that follows: an inherited column is altered with its parent's.
func (p *planner) beforeAltered(at int32, on ID) {
	changed, ok := p.alters.of(on)
	if !ok {
		return
	}
	p.before(at, changed, false)
	for up := range p.From.Dependencies(on) {
		if up.Kind == on.Kind {
			p.beforeAltered(at, up)
		}
	}
}

func (p *planner) requireAll(at int32, s Statement) {
	for _, on := range s.Requires {
		p.afterMade(at, on, false)
	}
}

func (p *planner) afterMade(at int32, on ID, weak bool) {
	if made, ok := p.creates.of(on); ok {
		p.before(made, at, weak)
	} else if changed, ok := p.alters.of(on); ok {
		p.before(changed, at, weak)
	}
}

func (p *planner) finishRequires(o Object) map[ID]bool {
	finisher, ok := o.(Finisher)
	if !ok {
		return nil
	}
	var out map[ID]bool
	for _, s := range finisher.Finish(p.Context) {
		for _, on := range s.Requires {
			if out == nil {
				out = map[ID]bool{}
			}
			out[on] = true
		}
	}
	return out
}

func slots(o Object) []Slot {
	id := o.ID()
	out := []Slot{{string(id.Kind), id.String()}}
	for _, space := range o.Traits().Spaces {
		out = append(out, Slot{space, id.Schema + "." + id.Name + id.Args})
	}
	if occupier, ok := o.(Occupier); ok {
		out = append(out, occupier.Occupies()...)
	}
	return out
}

// write makes the statements of the nodes in their order.
func (p *planner) write(order []int32) []Statement {
	for i := range p.nodes {
		if host := p.nodes[i].host; host >= 0 {
			root := p.root(int32(i))
			p.nodes[root].parts = append(p.nodes[root].parts, int32(i))
		}
	}
	var out []Statement
	for _, at := range order {
		n := &p.nodes[at]
		statements := p.statements(n)
		for _, s := range statements {
			if s.SQL == "" {
				continue // only said what must be gone meanwhile
			}
			s.Object, s.Block = n.object.ID(), n.block
			out = append(out, s)
		}
	}
	return out
}

func (p *planner) statements(n *node) []Statement {
	c := p.Context
	switch n.action {
	case dropping:
		out := n.object.Drop(c)
		if n.cascade {
			out[len(out)-1].SQL += " CASCADE"
		}
		return out
	case altering:
		return append(slices.Clone(n.statements), p.attributes(n.item.from, n.item.to, n.item.attributes)...)
	case creating:
		slices.SortFunc(n.parts, func(a, b int32) int { return compareParts(p.nodes[a].object, p.nodes[b].object) })
		c.Parts = make([]Object, len(n.parts))
		for i, part := range n.parts {
			c.Parts[i] = p.nodes[part].object
		}
		var out []Statement
		switch n.split {
		case 1:
			return n.object.(Splitter).Early(c)
		case 2:
			out = n.object.(Splitter).Late(c)
		default:
			out = n.object.Create(c)
		}
		out = append(out, p.newAttributes(n.object)...)
		for _, part := range c.Parts {
			out = append(out, p.newAttributes(part)...)
		}
		return out
	}
	return n.statements
}

func compareParts(a, b Object) int {
	if c := a.Traits().Rank - b.Traits().Rank; c != 0 {
		return c
	}
	if c := int(a.Common().Attnum) - int(b.Common().Attnum); c != 0 {
		return c
	}
	return a.ID().Compare(b.ID())
}
