package catalog

import (
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Subscription is a subscription to another server's publications.
type Subscription struct {
	schema.Base
	// Connection is the connection string without passwords, empty when the
	// reading role may not see it.
	Connection   string   `json:"connection,omitempty"`
	Publications []string `json:"publications"`
	Enabled      bool     `json:"enabled,omitempty"`
	Slot         string   `json:"slot,omitempty"` // NONE: has none
	// Options are those of CREATE SUBSCRIPTION that are not the default: "binary = true".
	Options []string `json:"options,omitempty"`
}

var subscriptionKind = Kind{
	Name:    "subscription",
	Catalog: "pg_subscription",
	New:     func() schema.Object { return &Subscription{} },
	Query: func(s Server) string {
		connection := "NULL"
		if s.Superuser {
			connection = "s.subconninfo"
		}
		return `SELECT s.oid, 0, s.subowner, NULL, s.subname, ` + connection + `, s.subpublications, s.subenabled, s.subslotname, s.subsynccommit,
			` + s.If(14, "s.subbinary, s.substream::text", "false, 'f'") + `, ` + s.If(15, "s.subtwophasestate <> 'd', s.subdisableonerr", "false, false") + `,
			` + s.If(16, "s.subpasswordrequired, s.subrunasowner, s.suborigin", "true, false, 'any'") + `, ` + s.If(17, "s.subfailover", "false") + `
			FROM pg_subscription s WHERE s.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())`
	},
	Scan: func(rd *Reader, r *Row) schema.Object {
		s := &Subscription{}
		s.Ident = schema.ID{Kind: "subscription", Name: r.Text()}
		s.Connection = connectionWithoutSecrets(r.Text())
		s.Publications, s.Enabled = r.Texts(), r.Bool()
		slot, ok := r.Nullable()
		switch {
		case !ok:
			s.Slot = "NONE"
		case slot != s.Ident.Name:
			s.Slot = ddl.QuoteLiteral(slot)
		}
		add := func(option, value, usual string) {
			if value != usual {
				s.Options = append(s.Options, option+" = "+value)
			}
		}
		add("synchronous_commit", r.Text(), "off")
		add("binary", onOff(r.Bool()), "false")
		streaming := map[string]string{"f": "off", "false": "off", "t": "on", "true": "on", "p": "parallel"}[r.Text()]
		add("streaming", streaming, rd.If(18, "parallel", "off"))
		add("two_phase", onOff(r.Bool()), "false")
		add("disable_on_error", onOff(r.Bool()), "false")
		add("password_required", onOff(r.Bool()), "true")
		add("run_as_owner", onOff(r.Bool()), "false")
		add("origin", r.Text(), "any")
		add("failover", onOff(r.Bool()), "false")
		return s
	},
}

// connectionWithoutSecrets takes the passwords out of a connection string, a
// URL or keywords and values.
func connectionWithoutSecrets(connection string) string {
	if scheme, rest, ok := strings.Cut(connection, "://"); ok && strings.HasPrefix(scheme, "postgres") {
		authority, query, hasQuery := strings.Cut(rest, "?")
		if at := strings.LastIndexByte(authority, '@'); at >= 0 {
			user, _, _ := strings.Cut(authority[:at], ":")
			authority = user + authority[at:]
		}
		out := scheme + "://" + authority
		if hasQuery {
			if kept := withoutSecrets(strings.Split(query, "&")); len(kept) > 0 {
				out += "?" + strings.Join(kept, "&")
			}
		}
		return out
	}
	return strings.Join(withoutSecrets(splitList(connection, ' ')), " ")
}

var subscriptionTraits = schema.Traits{Rank: rankSubscription, Owned: true}

// Traits of subscriptions.
func (s *Subscription) Traits() *schema.Traits { return &subscriptionTraits }

// Target is SUBSCRIPTION name.
func (s *Subscription) Target() string { return "SUBSCRIPTION " + ddl.QuoteIdent(s.Ident.Name) }

// Create makes the subscription without connecting: it is neither enabled nor
// has it a slot on the publisher until somebody sees to that.
func (s *Subscription) Create(schema.Context) []schema.Statement {
	options := []string{"connect = false"}
	switch s.Slot {
	case "":
		options = append(options, "slot_name = "+ddl.QuoteLiteral(s.Ident.Name))
	default:
		options = append(options, "slot_name = "+s.Slot)
	}
	text := "CREATE " + s.Target() + " CONNECTION " + ddl.QuoteLiteral(s.Connection) + " PUBLICATION " + quoteAll(s.Publications) +
		" WITH (" + strings.Join(append(options, s.Options...), ", ") + ")"
	out := []schema.Statement{{SQL: text, Hazards: []schema.Hazard{{Kind: schema.Behaviour,
		Message: "the subscription is made without connecting: give it its password, make its slot on the publisher, enable and refresh it"}}}}
	if s.Enabled {
		out = append(out, schema.SQL("ALTER "+s.Target()+" ENABLE")...)
	}
	return out
}

// Drop removes the subscription and leaves its slot on the publisher.
func (s *Subscription) Drop(schema.Context) []schema.Statement {
	out := schema.SQL("ALTER "+s.Target()+" DISABLE", "ALTER "+s.Target()+" SET (slot_name = NONE)", "DROP "+s.Target())
	out[2].Hazards = []schema.Hazard{{Kind: schema.Behaviour, Message: "the slot of subscription " + ddl.QuoteIdent(s.Ident.Name) + " stays on the publisher and keeps its write-ahead log"}}
	return out
}

// Alter changes everything in place.
func (s *Subscription) Alter(to schema.Object, changes schema.Changes, c schema.Context) ([]schema.Statement, bool) {
	n := to.(*Subscription)
	var out []schema.Statement
	alter := func(action string) { out = append(out, schema.SQL("ALTER "+n.Target()+" "+action)...) }
	restart := s.Enabled && changes.Has("slot")
	if restart || changes.Has("enabled") && !n.Enabled {
		alter("DISABLE")
	}
	if changes.Has("connection") {
		alter("CONNECTION " + ddl.QuoteLiteral(n.Connection))
	}
	if changes.Has("publications") {
		alter("SET PUBLICATION " + quoteAll(n.Publications) + " WITH (refresh = false)")
	}
	var set []string
	if changes.Has("slot") {
		slot := n.Slot
		if slot == "" {
			slot = ddl.QuoteLiteral(n.Ident.Name)
		}
		set = append(set, "slot_name = "+slot)
	}
	for _, option := range n.Options {
		if !slices.Contains(s.Options, option) {
			set = append(set, option)
		}
	}
	usual := map[string]string{
		"synchronous_commit": "off", "binary": "false", "streaming": Server{Major: c.Major()}.If(18, "parallel", "off"), "disable_on_error": "false",
		"password_required": "true", "run_as_owner": "false", "origin": "any", "failover": "false",
	}
	for _, option := range append(slices.Clone(s.Options), n.Options...) {
		name, _, _ := strings.Cut(option, " = ")
		if (name == "two_phase" || name == "failover") && slices.Contains(s.Options, option) != slices.Contains(n.Options, option) {
			return nil, false
		}
		if slices.Contains(s.Options, option) && !slices.ContainsFunc(n.Options, func(o string) bool { return strings.HasPrefix(o, name+" = ") }) {
			set = append(set, name+" = "+usual[name])
		}
	}
	if len(set) > 0 {
		alter("SET (" + strings.Join(set, ", ") + ")")
	}
	if n.Enabled && (restart || changes.Has("enabled")) {
		alter("ENABLE")
	}
	return out, true
}
