package ddl

import "strings"

// Keyword is how PostgreSQL's grammar treats a word where a name could stand, as in pg_get_keywords(). Words that it
// calls unreserved are names everywhere and count as NotKeyword.
type Keyword uint8

const (
	// NotKeyword is a word that needs no quotes as a name.
	NotKeyword Keyword = iota
	// Reserved words are never a name without quotes.
	Reserved
	// TypeOrFunction words may name a type or a function, not a column or table.
	TypeOrFunction
	// ColumnName words may name a column or table, not a type or a function.
	ColumnName
)

// KeywordOf says what kind of key word name is, in the strictest of the supported versions. name is in lower case.
func KeywordOf(name string) Keyword { return keywords[name] }

// keywords is the union over PostgreSQL 13 to 18 (src/include/parser/kwlist.h), the strictest kind winning.
var keywords = keywordTable(
	keywordList{Reserved, `all analyse analyze and any array as asc asymmetric both case cast check collate column
		constraint create current_catalog current_date current_role current_time current_timestamp current_user default
		deferrable desc distinct do else end except false fetch for foreign from grant group having in initially
		intersect into lateral leading limit localtime localtimestamp not null offset on only or order placing primary
		references returning select session_user some symmetric system_user table then to trailing true union unique
		user using variadic when where window with`},
	keywordList{TypeOrFunction, `authorization binary collation concurrently cross current_schema freeze full ilike
		inner is isnull join left like natural notnull outer overlaps right similar tablesample verbose`},
	keywordList{ColumnName, `between bigint bit boolean char character coalesce dec decimal exists extract float
		greatest grouping inout int integer interval json json_array json_arrayagg json_exists json_object
		json_objectagg json_query json_scalar json_serialize json_table json_value least merge_action national nchar
		none normalize nullif numeric out overlay position precision real row setof smallint substring time timestamp
		treat trim values varchar xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi
		xmlroot xmlserialize xmltable`},
)

type keywordList struct {
	kind  Keyword
	words string
}

func keywordTable(lists ...keywordList) map[string]Keyword {
	table := map[string]Keyword{}
	for _, list := range lists {
		for word := range strings.FieldsSeq(list.words) {
			table[word] = list.kind
		}
	}
	return table
}
