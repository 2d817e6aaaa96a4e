package catalog

import (
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// EventTrigger is an event trigger.
type EventTrigger struct {
	schema.Base
	Event    string   `json:"event"`
	Tags     []string `json:"tags,omitempty"`
	Function string   `json:"function"`
	// Enabled is DISABLE, ENABLE REPLICA or ENABLE ALWAYS, empty when it is simply enabled.
	Enabled string `json:"enabled,omitempty"`
}

var eventTriggerKind = Kind{
	Name:    "event_trigger",
	Catalog: "pg_event_trigger",
	New:     func() schema.Object { return &EventTrigger{} },
	Query: func(Server) string {
		return `SELECT e.oid, 0, e.evtowner, NULL, e.evtname, e.evtevent, e.evttags, n.nspname, p.proname, e.evtenabled
			FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid JOIN pg_namespace n ON n.oid = p.pronamespace`
	},
	Scan: func(rd *Reader, r *Row) schema.Object {
		e := &EventTrigger{}
		e.Ident = schema.ID{Kind: "event_trigger", Name: r.Text()}
		e.Event, e.Tags = r.Text(), r.Texts()
		namespace, name := r.Text(), r.Text()
		if rd.excluded[namespace] {
			return nil
		}
		e.Function = ddl.QualifiedName(namespace, name)
		e.Enabled = map[string]string{"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}[r.Text()]
		return e
	},
}

var eventTriggerTraits = schema.Traits{Rank: rankEventTrigger, Owned: true}

// Traits of event triggers.
func (e *EventTrigger) Traits() *schema.Traits { return &eventTriggerTraits }

// Target is EVENT TRIGGER name.
func (e *EventTrigger) Target() string { return "EVENT TRIGGER " + ddl.QuoteIdent(e.Ident.Name) }

// Create makes the trigger.
func (e *EventTrigger) Create(schema.Context) []schema.Statement {
	text := "CREATE " + e.Target() + " ON " + ddl.QuoteIdent(e.Event)
	if len(e.Tags) > 0 {
		tags := make([]string, len(e.Tags))
		for i, tag := range e.Tags {
			tags[i] = ddl.QuoteLiteral(tag)
		}
		text += "\n    WHEN TAG IN (" + strings.Join(tags, ", ") + ")"
	}
	return append(schema.SQL(text+"\n    EXECUTE FUNCTION "+e.Function+"()"), e.enable(&EventTrigger{})...)
}

func (e *EventTrigger) enable(from *EventTrigger) []schema.Statement {
	if e.Enabled == from.Enabled {
		return nil
	}
	action := e.Enabled
	if action == "" {
		action = "ENABLE"
	}
	return schema.SQL("ALTER " + e.Target() + " " + action)
}

// Drop removes the trigger.
func (e *EventTrigger) Drop(schema.Context) []schema.Statement {
	return schema.SQL("DROP " + e.Target())
}

// Alter enables and disables; anything else takes another trigger.
func (e *EventTrigger) Alter(to schema.Object, changes schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	if !changes.Only("enabled") {
		return nil, false
	}
	return to.(*EventTrigger).enable(e), true
}
