// Package catalog knows the kinds of objects that a PostgreSQL database has: how
// each is read from the system catalogs and written as SQL. It does not know
// how models are compared or statements ordered (package schema) and opens no
// connections.
//
// # How to add a kind
//
//  1. NAME.go: a struct that embeds [schema.Base], with the object's properties
//     as exported, JSON-tagged fields. Fields hold what SQL takes, already
//     quoted where they are names or expressions, and are the zero value when
//     the server's default applies. A field that is a fact and no property
//     (the order of columns) is tagged `diff:"-"`. The methods of
//     [schema.Object]: Traits (one package-level value), Target, Create, Drop,
//     Alter. Alter gets the changed properties by their JSON names and returns
//     false where only dropping and making again helps. Parts of another
//     object override Parent. Owner, comment, grants, labels are never written
//     by a kind.
//  2. In the same file a [Kind] value: the catalog it covers, its query and
//     Scan. The query's first four columns are always: oid, sub-object number
//     (0 but for columns), owner's oid (0 for kinds without), ACL (NULL for
//     kinds without); Scan takes the others from the [Row] in order and returns
//     the object (nil: not ours). The query reads every database object of
//     the kind outside the system's schemas (see userSchema); members of
//     extensions are filtered by Read. Dependencies are not read by a kind:
//     Read takes pg_depend as a whole. Where an expression is needed, use
//     pg_get_expr and friends: search_path is empty, so names come qualified.
//  3. testdata/kinds/NAME.txtar: the fixture; see law_test.go for its format.
//  4. One line in [Kinds], after the kinds whose objects Scan looks up.
package catalog

import (
	"github.com/kedgedb/kedge/schema"
)

// Kind is one kind of object: how to find it in the catalogs.
type Kind struct {
	// Name is the kind in IDs.
	Name schema.Kind
	// Catalog is the system catalog whose rows are the objects.
	Catalog string
	// Query returns the objects, a row each; see the package comment for its
	// first columns. Empty: this server version has no such kind.
	Query func(Server) string
	// Scan builds the object of a row; nil means that it is none.
	Scan func(*Reader, *Row) schema.Object
	// New returns an empty object, for reading a model back from JSON.
	New func() schema.Object
}

// Server is what queries depend on.
type Server struct {
	// Major is the major version, 15.
	Major int
	// Superuser: the reading role may see everything.
	Superuser bool
	// Roles: cluster-wide objects are read too.
	Roles bool
}

// If returns text on servers of at least that major version, otherwise instead.
func (s Server) If(major int, text, instead string) string {
	if s.Major >= major {
		return text
	}
	return instead
}

// userSchema is the condition on pg_namespace n that leaves the system's schemas out.
const userSchema = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`

// Kinds are all kinds, in the order in which they are read.
var Kinds = []Kind{
	roleKind,
	membershipKind,
	settingKind,
	schemaKind,
	extensionKind,
	languageKind,
	collationKind,
	enumKind,
	compositeKind,
	domainKind,
	domainConstraintKind,
	rangeKind,
	baseTypeKind,
	conversionKind,
	functionKind,
	procedureKind,
	aggregateKind,
	operatorKind,
	operatorFamilyKind,
	operatorClassKind,
	castKind,
	transformKind,
	accessMethodKind,
	textSearchParserKind,
	textSearchTemplateKind,
	textSearchDictionaryKind,
	textSearchConfigurationKind,
	foreignDataWrapperKind,
	foreignServerKind,
	userMappingKind,
	tableKind,
	viewKind,
	materializedViewKind,
	columnKind,
	defaultKind,
	sequenceKind,
	indexKind,
	constraintKind,
	ruleKind,
	triggerKind,
	policyKind,
	statisticsKind,
	publicationKind,
	publicationTableKind,
	publicationSchemaKind,
	subscriptionKind,
	eventTriggerKind,
	defaultPrivilegesKind,
	privilegesKind,
}

// Links are the kinds that are read with another one, from pg_inherits.
var Links = []Kind{
	{Name: "partition", Catalog: "pg_inherits", New: func() schema.Object { return &Partition{} }},
	{Name: "inheritance", Catalog: "pg_inherits", New: func() schema.Object { return &Inheritance{} }},
}

// KindOf returns the kind of that name.
func KindOf(name schema.Kind) (Kind, bool) {
	for _, list := range [][]Kind{Kinds, Links} {
		for _, k := range list {
			if k.Name == name {
				return k, true
			}
		}
	}
	return Kind{}, false
}
