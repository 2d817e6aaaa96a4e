package ddl

import "slices"

// Effect is what a statement does to one relation while it runs: the strongest lock that it holds to the end of its
// transaction, and the work that it does under that lock.
type Effect struct {
	// Object is the relation; its name is empty when the statement does not tell which one and the scene neither.
	Object Name
	Kind   RelationKind // 0 when not known
	Mode   LockMode
	// Rewrite: every row, and every index, is written anew; reads and writes wait for it in AccessExclusive.
	Rewrite bool
	// Scan: every row is read, to check or to index it. Checking a foreign key also reads the referenced table or its
	// key's index, whichever the planner prefers; that is not said.
	Scan bool
	// Builds counts the indexes that are built from the relation's rows, 0 when none or not known.
	Builds int
	// Emptied: all rows go at once, at a cost that does not grow with their number.
	Emptied bool
	// Assumed marks the worst plausible case, where the statement and the scene do not tell.
	Assumed bool
	Reason  string // the part of the statement that does the most, for people
}

// Effects returns what the statement does on a server of the major version to the relations that existed before it,
// one Effect a relation, in the order in which it comes to them. Locks on system catalogs and TOAST tables, and the
// AccessShare and RowExclusive locks that reading and writing a table takes on its indexes, are left out.
// What the oracle says is measured on PostgreSQL 13 to 18 (testdata/locks).
func Effects(node Node, server Major, scene *Scene) []Effect {
	if scene == nil {
		scene = &Scene{}
	}
	o := &oracle{server: server, scene: scene}
	o.statement(node)
	return o.effects
}

// Strongest returns the strongest lock mode of the effects.
func Strongest(effects []Effect) LockMode {
	mode := NoLock
	for _, e := range effects {
		mode = max(mode, e.Mode)
	}
	return mode
}

type oracle struct {
	server  Major
	scene   *Scene
	effects []Effect
}

// work is what happens beside a lock.
type work uint8

const (
	scan work = 1 << iota
	rewrite
	emptied
	assumed
)

// lock adds a lock on the relation, and the work, to what is known of it already.
func (o *oracle) lock(name Name, mode LockMode, w work, reason string) *Effect {
	var e *Effect
	for i := range o.effects {
		if o.effects[i].Object.Same(name) {
			e = &o.effects[i]
			break
		}
	}
	if e == nil {
		if r := o.scene.Relation(name); r != nil {
			name = r.Name
			o.effects = append(o.effects, Effect{Object: name, Kind: r.Kind})
		} else {
			o.effects = append(o.effects, Effect{Object: name})
		}
		e = &o.effects[len(o.effects)-1]
	}
	weight := func(e *Effect) int {
		n := int(e.Mode)
		if e.Scan {
			n += 100
		}
		if e.Rewrite {
			n += 200
		}
		return n
	}
	before := weight(e)
	e.Mode = max(e.Mode, mode)
	if w&assumed == 0 || !e.Scan && !e.Rewrite {
		e.Assumed = w&assumed != 0 && (e.Reason == "" || w&(scan|rewrite) != 0 || e.Assumed)
	}
	e.Scan = e.Scan || w&scan != 0
	e.Rewrite = e.Rewrite || w&rewrite != 0
	e.Emptied = e.Emptied || w&emptied != 0
	if e.Reason == "" || weight(e) > before {
		e.Reason = reason
	}
	return e
}

// lockIndexes adds a lock on every index of the table that the filter takes, and returns how many.
func (o *oracle) lockIndexes(table Name, mode LockMode, reason string, filter func(*Relation) bool) int {
	n := 0
	for _, x := range o.scene.Indexes(table) {
		if filter == nil || filter(x) {
			o.lock(x.Name, mode, 0, reason)
			n++
		}
	}
	return n
}

// family returns the table and, unless only is set or it is not known, everything that inherits from it.
func (o *oracle) family(table Name, only bool) []Name {
	names := []Name{table}
	if !only {
		for _, r := range o.scene.Descendants(table) {
			names = append(names, r.Name)
		}
	}
	return names
}

// hasRows reports whether the relation stores rows itself; one that is not known is taken to.
func (o *oracle) hasRows(name Name) bool {
	r := o.scene.Relation(name)
	return r == nil || r.Kind != PartitionedTable && r.Kind != View
}

func (o *oracle) statement(node Node) {
	switch n := node.(type) {
	case *AlterTable:
		o.alterTable(n)
	case *CreateTable:
		o.createTable(n)
	case *CreateIndex:
		o.createIndex(n)
	case *Drop:
		o.drop(n)
	case *Alter:
		o.alter(n)
	case *CreateView:
		o.reads(n.Query, 0)
		if n.Replace && o.scene.Relation(n.Name) != nil {
			o.lock(n.Name, AccessExclusive, 0, "CREATE OR REPLACE VIEW")
		}
	case *CreateMaterializedView:
		o.reads(n.Query, queryScan(n.NoData))
	case *RefreshMaterializedView:
		o.refresh(n)
	case *CreateTrigger:
		o.lock(n.Table, ShareRowExclusive, 0, "CREATE TRIGGER")
		if !n.Referenced.IsZero() {
			o.lock(n.Referenced, AccessShare, 0, "CREATE TRIGGER … FROM")
		}
	case *CreatePolicy:
		o.lock(n.Table, AccessExclusive, 0, "CREATE POLICY")
	case *CreateRule:
		o.lock(n.Table, AccessExclusive, 0, "CREATE RULE")
	case *CreateStatistics:
		o.lock(n.Table, ShareUpdateExclusive, 0, "CREATE STATISTICS")
	case *Publication:
		for _, t := range n.Tables {
			o.lock(t, ShareUpdateExclusive, 0, "publication")
		}
	case *CommentOn:
		o.comment(n)
	case *Grant:
		o.grant(n)
	case *AlterDomain:
		o.alterDomain(n)
	case *AlterType:
		if len(n.Commands) > 0 {
			o.lock(n.Name, AccessExclusive, 0, n.Commands[0].Action.String())
		}
	case *Reindex:
		o.reindex(n)
	case *Cluster:
		o.cluster(n)
	case *Vacuum:
		o.vacuum(n)
	case *Analyze:
		for _, t := range n.Tables {
			o.lock(t, ShareUpdateExclusive, 0, "ANALYZE")
		}
	case *Truncate:
		o.truncate(n)
	case *LockTable:
		o.lockTable(n)
	case *Query:
		o.query(n)
	case *Copy:
		o.copy(n)
	case *Do:
		o.lock(Name{}, AccessExclusive, scan|rewrite|assumed, "what a DO block does is not known before it runs")
	case *Call:
		o.lock(Name{}, AccessExclusive, scan|rewrite|assumed, "what a procedure does is not known before it runs")
	}
}

func queryScan(noData bool) work {
	if noData {
		return 0
	}
	return scan
}

// reads locks the tables that a query reads, and those behind the views among them.
func (o *oracle) reads(q *Query, w work) {
	if q == nil {
		return
	}
	mode := AccessShare
	if q.RowLock {
		mode = RowShare
	}
	for _, t := range q.Reads {
		o.read(t, mode, w, 0)
	}
}

// maxViewDepth bounds how deep views on views are followed, in case a scene has a cycle.
const maxViewDepth = 32

func (o *oracle) read(t Name, mode LockMode, w work, depth int) {
	r := o.scene.Relation(t)
	if r != nil && r.Kind == View {
		o.lock(t, mode, 0, "read")
		for _, below := range r.Reads {
			if depth < maxViewDepth && w != 0 {
				o.read(below, mode, w, depth+1)
			}
		}
		return
	}
	o.lock(t, mode, w, "read")
}

func (o *oracle) query(n *Query) {
	for _, w := range n.Writes {
		var did work
		if (w.Verb == "UPDATE" || w.Verb == "DELETE") && !w.Where {
			did = scan
		}
		o.write(w.Table, w.Verb, did)
	}
	did := work(0)
	if len(n.Reads) > 0 && !n.Into.IsZero() {
		did = scan
	}
	o.reads(n, did)
}

func (o *oracle) write(table Name, verb string, w work) {
	for _, t := range o.family(table, verb == "INSERT") {
		o.lock(t, RowExclusive, w, verb)
	}
	if r := o.scene.Relation(table); r != nil && verb == "INSERT" {
		for _, c := range r.Constraints {
			if c.Kind == ForeignKey {
				o.lock(c.References, RowShare, 0, "foreign key "+c.Name)
			}
		}
	}
}

func (o *oracle) copy(n *Copy) {
	switch {
	case n.Query != nil:
		o.query(n.Query)
	case n.From:
		o.write(n.Table, "INSERT", 0)
	default:
		o.lock(n.Table, AccessShare, scan, "COPY TO")
	}
}

func (o *oracle) comment(n *CommentOn) {
	switch n.Kind {
	case "TABLE", "COLUMN", "INDEX", "VIEW", "MATERIALIZED VIEW", "SEQUENCE", "FOREIGN TABLE":
		o.lock(n.Name, ShareUpdateExclusive, 0, "COMMENT")
	case "CONSTRAINT", "TRIGGER", "RULE", "POLICY":
		o.lock(n.On, AccessShare, 0, "COMMENT")
	}
}

// grant: since PostgreSQL 18 the table is locked against being dropped meanwhile.
func (o *oracle) grant(n *Grant) {
	if o.server < 18 || n.Default || n.Kind != "TABLE" && n.Kind != "SEQUENCE" {
		return
	}
	for _, t := range n.Objects {
		o.lock(t, AccessShare, 0, "GRANT")
	}
}

func (o *oracle) truncate(n *Truncate) {
	queue := slices.Clone(n.Tables)
	var done []Name
	for len(queue) > 0 {
		t := queue[0]
		queue = queue[1:]
		if slices.ContainsFunc(done, t.Same) {
			continue
		}
		done = append(done, t)
		o.lock(t, AccessExclusive, emptied, "TRUNCATE")
		o.lockIndexes(t, AccessExclusive, "TRUNCATE", nil)
		for _, r := range o.scene.Descendants(t) {
			queue = append(queue, r.Name)
		}
		if n.Behavior == Cascade {
			for _, r := range o.scene.ReferencedBy(t) {
				queue = append(queue, r.Name)
			}
		}
	}
}

func (o *oracle) lockTable(n *LockTable) {
	for _, t := range n.Tables {
		for _, name := range o.family(t, false) {
			o.lock(name, n.Mode, 0, "LOCK TABLE")
		}
		if r := o.scene.Relation(t); r != nil && r.Kind == View {
			for _, below := range r.Reads {
				o.lock(below, n.Mode, 0, "LOCK TABLE of a view")
			}
		}
	}
}
