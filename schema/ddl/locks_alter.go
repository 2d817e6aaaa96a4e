package ddl

import "slices"

// tableAction is what a subcommand of ALTER TABLE takes on the table itself (AlterTableGetLockLevel in tablecmds.c).
type tableAction struct {
	mode     LockMode
	recurses bool // to partitions and inheriting tables
}

var tableActions = map[Action]tableAction{
	AddColumn: {AccessExclusive, true}, DropColumn: {AccessExclusive, true}, AlterColumnType: {AccessExclusive, true},
	SetDefault: {AccessExclusive, true}, DropDefault: {AccessExclusive, true}, SetNotNull: {AccessExclusive, true},
	DropNotNull: {AccessExclusive, true}, SetExpression: {AccessExclusive, true}, DropExpression: {AccessExclusive, true},
	AddIdentity: {AccessExclusive, false}, AlterIdentity: {AccessExclusive, false}, DropIdentity: {AccessExclusive, false},
	SetStatistics: {ShareUpdateExclusive, true}, SetColumnOptions: {ShareUpdateExclusive, false},
	ResetColumnOptions: {ShareUpdateExclusive, false}, SetStorage: {AccessExclusive, true},
	SetCompression: {AccessExclusive, true}, ValidateConstraint: {ShareUpdateExclusive, true},
	DropConstraint: {AccessExclusive, true}, AlterConstraint: {AccessExclusive, true},
	RenameConstraint: {AccessExclusive, true}, RenameColumn: {AccessExclusive, true}, RenameTo: {AccessExclusive, false},
	SetSchema: {AccessExclusive, false}, OwnerTo: {AccessExclusive, false}, SetTablespace: {AccessExclusive, false},
	SetAccessMethod: {AccessExclusive, false}, SetLogged: {AccessExclusive, false}, SetUnlogged: {AccessExclusive, false},
	SetWithoutCluster: {ShareUpdateExclusive, false}, SetWithoutOIDs: {AccessExclusive, false},
	ClusterOn: {ShareUpdateExclusive, false}, Inherit: {AccessExclusive, false}, NoInherit: {AccessExclusive, false},
	OfType: {AccessExclusive, false}, NotOf: {AccessExclusive, false}, ReplicaIdentity: {AccessExclusive, false},
	EnableTrigger: {ShareRowExclusive, true}, DisableTrigger: {ShareRowExclusive, true},
	EnableRule: {AccessExclusive, false}, DisableRule: {AccessExclusive, false},
	EnableRowSecurity: {AccessExclusive, false}, DisableRowSecurity: {AccessExclusive, false},
	ForceRowSecurity: {AccessExclusive, false}, NoForceRowSecurity: {AccessExclusive, false},
	AttachPartition: {ShareUpdateExclusive, false}, DetachPartition: {AccessExclusive, false},
	DependsOnExtension: {AccessExclusive, false}, SequenceOptions: {ShareRowExclusive, false},
	ForeignOptions: {AccessExclusive, false},
}

// commandWork adds what a subcommand does beyond its lock.
var commandWork = map[Action]func(*oracle, *AlterTable, *Command){
	AddColumn:          (*oracle).addColumn,
	DropColumn:         (*oracle).dropColumn,
	AlterColumnType:    (*oracle).alterColumnType,
	SetNotNull:         (*oracle).setNotNull,
	SetExpression:      (*oracle).setExpression,
	AddIdentity:        (*oracle).addIdentity,
	AlterIdentity:      (*oracle).ownedSequence,
	DropIdentity:       (*oracle).ownedSequence,
	AddConstraint:      (*oracle).alterAddConstraint,
	AlterConstraint:    (*oracle).alterConstraint,
	ValidateConstraint: (*oracle).validateConstraint,
	DropConstraint:     (*oracle).dropConstraint,
	RenameConstraint:   (*oracle).constraintIndex,
	OwnerTo:            (*oracle).ownerTo,
	SetTablespace:      (*oracle).mayRewrite,
	SetAccessMethod:    (*oracle).mayRewrite,
	SetLogged:          (*oracle).setPersistence,
	SetUnlogged:        (*oracle).setPersistence,
	ClusterOn:          (*oracle).namedIndex,
	ReplicaIdentity:    (*oracle).namedIndex,
	Inherit:            (*oracle).inherit,
	NoInherit:          (*oracle).inherit,
	OfType:             (*oracle).inherit,
	AttachPartition:    (*oracle).attachPartition,
	DetachPartition:    (*oracle).detachPartition,
}

func (o *oracle) alterTable(n *AlterTable) {
	for i := range n.Commands {
		c := &n.Commands[i]
		switch n.Kind {
		case "INDEX":
			o.alterIndex(n, c)
		case "SEQUENCE":
			o.alterSequence(n, c)
		default:
			o.tableCommand(n, c)
		}
	}
}

func (o *oracle) tableCommand(n *AlterTable, c *Command) {
	action, known := tableActions[c.Action]
	if !known {
		action = tableAction{mode: AccessExclusive}
		switch c.Action {
		case SetOptions, ResetOptions:
			action.mode = optionsMode(n.Kind, c.Options)
		case AddConstraint:
			action = o.addConstraintMode(n, c)
		case UnknownAction:
			o.lock(n.Name, AccessExclusive, scan|rewrite|assumed, "this form of ALTER TABLE is not known")
			return
		}
	}
	if c.Action == DetachPartition && c.Concurrently {
		action.mode = ShareUpdateExclusive
	}
	for _, t := range o.family(n.Name, n.Only || !action.recurses) {
		o.lock(t, action.mode, 0, c.Action.String())
	}
	if extra := commandWork[c.Action]; extra != nil {
		extra(o, n, c)
	}
}

// strictOptions are the storage parameters that need AccessExclusive; the others need ShareUpdateExclusive
// (AlterTableGetRelOptionsLockLevel, reloptions.c).
var strictOptions = []string{
	"user_catalog_table", "security_barrier", "security_invoker", "check_option", "buffering", "fastupdate",
	"gin_pending_list_limit", "autosummarize", "pages_per_range",
}

func optionsMode(kind string, options []Option) LockMode {
	for _, option := range options {
		if slices.Contains(strictOptions, option.Name) {
			return AccessExclusive
		}
	}
	if kind == "VIEW" {
		return AccessExclusive
	}
	return ShareUpdateExclusive
}

func (o *oracle) alterIndex(n *AlterTable, c *Command) {
	mode, did := ShareUpdateExclusive, work(0)
	switch c.Action {
	case SetTablespace:
		mode, did = AccessExclusive, rewrite|assumed
	case SetOptions, ResetOptions:
		mode = optionsMode(n.Kind, c.Options)
	case AttachPartition:
		mode = ShareUpdateExclusive
		o.indexTable(n.Name, AccessShare)
		o.indexTable(c.Table, AccessShare)
		o.lock(c.Table, AccessExclusive, 0, c.Action.String())
	case UnknownAction:
		mode, did = AccessExclusive, assumed
	}
	o.lock(n.Name, mode, did, "ALTER INDEX "+c.Action.String())
}

// indexTable locks the table of the index, when the scene knows it.
func (o *oracle) indexTable(index Name, mode LockMode) (table Name, known bool) {
	r := o.scene.Relation(index)
	if r == nil || r.Kind != Index {
		return Name{}, false
	}
	o.lock(r.Index.Table, mode, 0, "table of index "+index.String())
	return r.Index.Table, true
}

func (o *oracle) alterSequence(n *AlterTable, c *Command) {
	mode := AccessExclusive
	if c.Action == SequenceOptions {
		mode = ShareRowExclusive
	}
	o.lock(n.Name, mode, 0, "ALTER SEQUENCE")
}

func (o *oracle) rewriteTable(t Name, reason string, w work) {
	if !o.hasRows(t) {
		return
	}
	e := o.lock(t, AccessExclusive, rewrite|scan|w, reason)
	if n := len(o.scene.Indexes(t)); e.Builds < n {
		e.Builds = n
	}
	o.lockIndexes(t, AccessExclusive, reason, nil)
}

func (o *oracle) addColumn(n *AlterTable, c *Command) {
	col := c.Definition
	if col == nil || c.IfNotExists && o.scene.Relation(n.Name).Column(c.Column) != nil {
		return
	}
	did, why := o.columnRewrite(col)
	if def := col.Find(Default); def != nil {
		if sequence := nextvalOf(def.Expr); !sequence.IsZero() {
			o.lock(sequence, RowExclusive, 0, "nextval")
		}
	}
	generated := col.Find(Generated)
	nullable := col.Find(NotNull) == nil && col.Find(PrimaryKey) == nil
	virtual := generated != nil && generated.Virtual
	for _, t := range o.family(n.Name, n.Only) {
		switch {
		case did&rewrite != 0:
			o.rewriteTable(t, why, did&assumed)
		case !o.hasRows(t):
		case !nullable && (col.Find(Default) == nil || virtual):
			o.lock(t, AccessExclusive, scan, "ADD COLUMN … NOT NULL without a default")
		case col.Find(Check) != nil:
			o.lock(t, AccessExclusive, scan, "ADD COLUMN … CHECK")
		}
	}
	for i := range col.Constraints {
		con := &col.Constraints[i]
		switch con.Kind {
		case Unique, PrimaryKey:
			o.buildIndexes(n, AccessExclusive, "ADD COLUMN … "+con.Kind.String())
		case ForeignKey:
			o.lock(con.References.Table, ShareRowExclusive, 0, "ADD COLUMN … REFERENCES")
			if col.Find(Default) != nil {
				o.lock(n.Name, AccessExclusive, scan, "ADD COLUMN … REFERENCES with a default")
			}
		}
	}
}

// buildIndexes adds one index build on every table of the family that has rows.
func (o *oracle) buildIndexes(n *AlterTable, mode LockMode, reason string) {
	for _, t := range o.family(n.Name, n.Only) {
		if o.hasRows(t) {
			o.lock(t, mode, scan, reason).Builds++
		}
	}
}

func (o *oracle) dropColumn(n *AlterTable, c *Command) {
	for _, t := range o.family(n.Name, n.Only) {
		o.lockIndexes(t, AccessExclusive, "DROP COLUMN", func(x *Relation) bool { return slices.Contains(x.Index.Columns, c.Column) })
		if r := o.scene.Relation(t); r != nil {
			for _, con := range r.Constraints {
				if con.Kind == ForeignKey && slices.Contains(con.Columns, c.Column) {
					o.lock(con.References, AccessExclusive, 0, "drops foreign key "+con.Name)
				}
			}
		}
	}
}

func (o *oracle) setNotNull(n *AlterTable, c *Command) {
	for _, t := range o.family(n.Name, n.Only) {
		if !o.hasRows(t) {
			continue
		}
		r := o.scene.Relation(t)
		if col := r.Column(c.Column); col != nil && col.NotNull {
			continue
		}
		if r == nil {
			o.lock(t, AccessExclusive, scan|assumed, "SET NOT NULL, unless a validated CHECK proves it")
			continue
		}
		if !provenNotNull(r, c.Column, n.Commands) {
			o.lock(t, AccessExclusive, scan, "SET NOT NULL")
		}
	}
}

// provenNotNull reports whether a validated check of the table, which the same statement does not drop, says that the
// column is not null.
func provenNotNull(r *Relation, column string, commands []Command) bool {
	for _, con := range r.Constraints {
		dropped := slices.ContainsFunc(commands, func(c Command) bool {
			return c.Action == DropConstraint && c.Object == con.Name
		})
		if con.Kind == Check && con.Validated && !dropped && saysNotNull(con.Expr, column) {
			return true
		}
	}
	return false
}

// saysNotNull reports whether one of the conditions that AND joins at the top of the expression is column IS NOT NULL.
func saysNotNull(expr, column string) bool {
	p := newParser(expr, StandardStrings)
	for len(p.tokens) > 1 && p.tokens[0].IsPunct('(') {
		if p.parens(); !p.done() {
			p.pos = 0
			break
		}
		inner := p.tokens[1 : len(p.tokens)-1]
		p.tokens, p.pos = inner, 0
	}
	found := false
	for !p.done() {
		start := p.pos
		for !p.done() && !p.is("AND") {
			if p.is("OR") {
				return false
			}
			if p.parens().IsZero() {
				p.next()
			}
		}
		part := p.tokens[start:p.pos]
		for len(part) > 2 && part[0].IsPunct('(') && part[len(part)-1].IsPunct(')') {
			part = part[1 : len(part)-1]
		}
		if len(part) == 4 && isName(part[0]) && identValue(part[0].Text) == column && part[1].Is("IS") && part[2].Is("NOT") &&
			part[3].Is("NULL") {
			found = true
		}
		p.skip("AND")
	}
	return found
}

func (o *oracle) setExpression(n *AlterTable, c *Command) {
	for _, t := range o.family(n.Name, n.Only) {
		col := o.scene.Relation(t).Column(c.Column)
		switch {
		case col == nil:
			o.rewriteTable(t, "SET EXPRESSION of a stored column", assumed)
		case !col.Virtual:
			o.rewriteTable(t, "SET EXPRESSION", 0)
		}
	}
}

// addIdentity: since PostgreSQL 17 partitions have the identity of their parent.
func (o *oracle) addIdentity(n *AlterTable, c *Command) {
	if r := o.scene.Relation(n.Name); o.server >= 17 && r != nil && r.Kind == PartitionedTable {
		for _, t := range o.family(n.Name, n.Only) {
			o.lock(t, AccessExclusive, 0, c.Action.String())
		}
	}
}

func (o *oracle) ownedSequence(n *AlterTable, c *Command) {
	mode := ShareRowExclusive
	if c.Action == DropIdentity {
		mode = AccessExclusive
	}
	for _, r := range o.scene.Relations {
		if r.Kind == Sequence && r.Owner.Same(n.Name) && r.OwnerColumn == c.Column {
			o.lock(r.Name, mode, 0, c.Action.String())
		}
	}
}

func (o *oracle) ownerTo(n *AlterTable, _ *Command) {
	o.lockIndexes(n.Name, AccessExclusive, "OWNER TO", nil)
}

func (o *oracle) mayRewrite(n *AlterTable, c *Command) {
	if o.hasRows(n.Name) {
		o.lock(n.Name, AccessExclusive, rewrite|scan|assumed, c.Action.String()+", unless it is there already")
	}
}

func (o *oracle) setPersistence(n *AlterTable, c *Command) {
	r := o.scene.Relation(n.Name)
	switch {
	case r == nil:
		o.rewriteTable(n.Name, c.Action.String(), assumed)
	case (c.Action == SetUnlogged) != (r.Persistence == Unlogged):
		o.rewriteTable(n.Name, c.Action.String(), 0)
	}
}

func (o *oracle) namedIndex(n *AlterTable, c *Command) {
	if c.Object == "" {
		return
	}
	mode := ShareUpdateExclusive
	if c.Action == ReplicaIdentity {
		mode = Share
	}
	o.lock(Name{Schema: n.Name.Schema, Name: c.Object}, mode, 0, c.Action.String())
}

func (o *oracle) inherit(n *AlterTable, c *Command) {
	mode := AccessShare
	if c.Action == Inherit {
		mode = ShareUpdateExclusive
	}
	o.lock(c.Table, mode, 0, c.Action.String())
}
