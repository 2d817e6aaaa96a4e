package schema

import (
	"cmp"
	"slices"
)

// sort returns the nodes that stand on their own in an order in which each
// comes after what it needs. Cycles are broken by taking parts out of their
// parent's statement, then by splitting objects, then by leaving weak edges
// out. Linear in nodes and edges for each round of breaking.
func (p *planner) sort() ([]int32, error) {
	ignoreWeak := map[int32]bool{}
	for {
		components := p.components(ignoreWeak)
		broken := false
		for _, component := range components {
			if p.detach(component) || p.split(component) {
				broken = true
				continue
			}
			fresh := false
			for _, n := range component {
				if !ignoreWeak[n] {
					ignoreWeak[n], fresh = true, true
				}
			}
			if !fresh && !p.cascade(component) {
				return nil, p.cycle(component)
			}
			broken = true
		}
		if !broken {
			return p.arrange(ignoreWeak), nil
		}
	}
}

// cascade lets one statement drop objects that need each other.
func (p *planner) cascade(component []int32) bool {
	for _, n := range component {
		if p.nodes[n].action != dropping || p.nodes[n].object.Traits().Data || p.nodes[n].object.Drop(p.Context) == nil {
			return false
		}
	}
	slices.SortFunc(component, p.compareNodes)
	for _, n := range component[1:] {
		p.nodes[n].host, p.nodes[n].inline = component[0], Fixed
	}
	p.nodes[component[0]].cascade = true
	return true
}

func (p *planner) cycle(component []int32) error {
	e := &CycleError{}
	for _, n := range component {
		e.Objects = append(e.Objects, p.nodes[n].object.ID())
	}
	slices.SortFunc(e.Objects, ID.Compare)
	e.Objects = slices.Compact(e.Objects)
	return e
}

// graph is the edges between the nodes that stand on their own.
func (p *planner) graph(ignoreWeak map[int32]bool) [][]int32 {
	out := make([][]int32, len(p.nodes))
	for i := range p.nodes {
		to := p.root(int32(i))
		for _, e := range p.nodes[i].after {
			from := p.root(e.on)
			if from == to || e.weak && ignoreWeak[to] {
				continue
			}
			out[to] = append(out[to], from)
		}
	}
	for i := range out {
		if len(out[i]) > 1 {
			slices.Sort(out[i])
			out[i] = slices.Compact(out[i])
		}
	}
	return out
}

// components returns the strongly connected components of more than one node
// (Tarjan 1972).
func (p *planner) components(ignoreWeak map[int32]bool) [][]int32 {
	graph := p.graph(ignoreWeak)
	n := len(graph)
	index := make([]int32, n)
	low := make([]int32, n)
	onStack := make([]bool, n)
	var stack []int32
	var counter int32
	var out [][]int32
	var visit func(v int32)
	visit = func(v int32) {
		counter++
		index[v], low[v] = counter, counter
		stack = append(stack, v)
		onStack[v] = true
		for _, w := range graph[v] {
			if index[w] == 0 {
				visit(w)
				low[v] = min(low[v], low[w])
			} else if onStack[w] {
				low[v] = min(low[v], index[w])
			}
		}
		if low[v] != index[v] {
			return
		}
		var component []int32
		for {
			w := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			onStack[w] = false
			component = append(component, w)
			if w == v {
				break
			}
		}
		if len(component) > 1 {
			out = append(out, component)
		}
	}
	for v := range int32(n) {
		if p.nodes[v].host < 0 && index[v] == 0 {
			visit(v)
		}
	}
	return out
}

// detach takes the loosest parts that tie the component together out of their
// parents' statements.
func (p *planner) detach(component []int32) bool {
	in := make(map[int32]bool, len(component))
	for _, n := range component {
		in[n] = true
	}
	best := Fixed
	var parts []int32
	consider := func(n int32) {
		level := p.nodes[n].inline
		if p.nodes[n].host < 0 || level == Fixed || level > best {
			return
		}
		if level < best {
			best, parts = level, parts[:0]
		}
		parts = append(parts, n)
	}
	for i := range p.nodes {
		at := int32(i)
		root := p.root(at)
		if !in[root] {
			continue
		}
		for _, e := range p.nodes[i].after {
			if other := p.root(e.on); other != root && in[other] {
				consider(at)
				consider(e.on)
			}
		}
	}
	for _, n := range parts {
		p.nodes[n].host = -1
	}
	return len(parts) > 0
}

// split makes the first object of the component that can be made in two steps so.
func (p *planner) split(component []int32) bool {
	in := make(map[int32]bool, len(component))
	candidates := []int32{}
	for _, n := range component {
		in[n] = true
		splitter, ok := p.nodes[n].object.(Splitter)
		if ok && p.nodes[n].action == creating && p.nodes[n].split == 0 && len(splitter.Early(p.Context)) > 0 {
			candidates = append(candidates, n)
		}
	}
	if len(candidates) == 0 {
		return false
	}
	slices.SortFunc(candidates, func(a, b int32) int { return compareParts(p.nodes[a].object, p.nodes[b].object) })
	early := candidates[0]
	late := int32(len(p.nodes))
	n := p.nodes[early]
	n.split = 2
	p.nodes = append(p.nodes, n)
	p.nodes[early].split = 1
	p.nodes[early].after = nil
	for _, s := range n.object.(Splitter).Early(p.Context) {
		p.requireAll(early, s)
	}
	for on := range p.To.Dependencies(n.object.ID()) {
		if on.Kind == "schema" {
			p.afterMade(early, on, false)
		}
	}
	for _, slot := range slots(n.object) {
		for i := range p.nodes {
			if a := p.nodes[i].action; a == dropping && slices.Contains(slots(p.nodes[i].object), slot) {
				p.before(int32(i), early, false)
			}
		}
	}
	for i := range p.nodes {
		if int32(i) == late || in[p.root(int32(i))] {
			continue
		}
		for k, e := range p.nodes[i].after {
			if p.root(e.on) == early {
				p.nodes[i].after[k].on = late
			}
		}
	}
	// What the parts written inside need, the completion needs.
	for i := range p.nodes {
		if int32(i) != early && p.nodes[i].host == early {
			p.nodes[late].after = append(p.nodes[late].after, p.nodes[i].after...)
			p.nodes[i].after = nil
		}
	}
	own := p.nodes[late].after[:0]
	for _, e := range p.nodes[late].after {
		if p.root(e.on) != early {
			own = append(own, e)
		}
	}
	p.nodes[late].after = append(own, edge{on: early})
	return true
}

type blockKey struct {
	phase int
	rank  int
	block ID
}

// arrange orders an acyclic graph for reading: block by block in the order of
// rank and name, each after the blocks it needs; what its block cannot have
// yet comes as soon as it can.
func (p *planner) arrange(ignoreWeak map[int32]bool) []int32 {
	graph := p.graph(ignoreWeak)
	followers := make([][]int32, len(p.nodes))
	missing := make([]int, len(p.nodes))
	for v, list := range graph {
		missing[v] = len(list)
		for _, w := range list {
			followers[w] = append(followers[w], int32(v))
		}
	}
	keys := make([]blockKey, len(p.nodes))
	blocks := map[blockKey][]int32{}
	var order []blockKey
	for i := range p.nodes {
		n := &p.nodes[i]
		if n.host >= 0 {
			continue
		}
		k := p.key(n)
		keys[i] = k
		if _, seen := blocks[k]; !seen {
			order = append(order, k)
		}
		blocks[k] = append(blocks[k], int32(i))
	}
	slices.SortFunc(order, func(a, b blockKey) int {
		if c := cmp.Or(a.phase-b.phase, a.rank-b.rank); c != 0 {
			return c
		}
		return a.block.Compare(b.block)
	})
	for _, list := range blocks {
		slices.SortFunc(list, p.compareNodes)
	}

	var out []int32
	visited := map[blockKey]bool{}
	emitted := make([]bool, len(p.nodes))
	passed := make([]bool, len(p.nodes)) // its turn came before it was ready
	var ready []int32
	emit := func(v int32, within blockKey) {
		local := []int32{v}
		for len(local) > 0 {
			w := local[0]
			local = local[1:]
			emitted[w] = true
			out = append(out, w)
			for _, f := range followers[w] {
				if missing[f]--; missing[f] == 0 && passed[f] {
					if keys[f] == within {
						local = append(local, f)
					} else {
						ready = append(ready, f)
					}
				}
			}
		}
	}
	flush := func() {
		for len(ready) > 0 {
			slices.SortFunc(ready, p.compareNodes)
			v := ready[0]
			ready = ready[1:]
			if !emitted[v] {
				emit(v, keys[v])
			}
		}
	}
	var visit func(k blockKey)
	visit = func(k blockKey) {
		if visited[k] {
			return
		}
		visited[k] = true
		for _, v := range blocks[k] {
			for _, w := range graph[v] {
				if !emitted[w] && keys[w] != k {
					visit(keys[w])
				}
			}
		}
		for _, v := range blocks[k] {
			if emitted[v] {
				continue
			}
			if missing[v] == 0 {
				emit(v, k)
			} else {
				passed[v] = true
			}
		}
		flush()
	}
	for _, k := range order {
		visit(k)
	}
	return out
}

func (p *planner) key(n *node) blockKey {
	k := blockKey{phase: 1, block: n.block}
	model := p.To
	switch n.action {
	case dropping, aside:
		k.phase, model = 0, p.From
	case asideGone:
		k.phase, model = 2, p.From
	}
	if _, granter := n.object.(DefaultGranter); n.late || granter {
		k.phase = 2 // default privileges go once all that they were given to was made
	}
	if n.late && n.action == dropping {
		k.phase = 3
	}
	if top := model.Object(n.block); top != nil {
		k.rank = top.Traits().Rank
	}
	return k
}

func (p *planner) compareNodes(a, b int32) int {
	x, y := &p.nodes[a], &p.nodes[b]
	if c := compareParts(x.object, y.object); c != 0 {
		return c
	}
	if c := int(x.action) - int(y.action); c != 0 {
		return c
	}
	return int(a) - int(b)
}
