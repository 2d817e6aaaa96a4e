package catalog_test

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Where the pg_dump that is installed cannot read the server, the witness is
// what the server itself says: the functions that psql's \d uses, one query a
// kind, each line a text. It shares nothing with the kinds' queries.
var witnesses = map[string]string{
	"object": `SELECT DISTINCT i.type || ' ' || i.identity FROM pg_depend d, pg_identify_object(d.classid, d.objid, d.objsubid) i
		WHERE d.objid >= 16384 AND d.deptype <> 'e' AND i.identity IS NOT NULL AND i.type NOT LIKE 'toast%' AND i.identity NOT LIKE 'pg_toast%' AND i.type <> 'default value'
		AND i.type <> 'rule' AND i.identity !~ '^"(RI|PK|Unique)_ConstraintTrigger_'`,
	"relation": `SELECT concat_ws(' | ', c.oid::regclass, c.relkind, c.relpersistence, m.amname, c.reltablespace, c.reloptions, t.reloptions, c.relreplident, c.relrowsecurity,
		c.relforcerowsecurity, pg_get_userbyid(c.relowner), pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid),
		CASE WHEN c.reloftype <> 0 THEN c.reloftype::regtype END, c.relispopulated)
		FROM pg_class c LEFT JOIN pg_am m ON m.oid = c.relam LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
		WHERE c.oid >= 16384 AND c.relnamespace <> 'pg_toast'::regnamespace`,
	"grant": `SELECT concat_ws(' | ', c.oid::regclass, x) FROM pg_class c, unnest(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) x
		WHERE c.oid >= 16384 AND c.relkind NOT IN ('i', 'I', 't')
		UNION ALL SELECT concat_ws(' | ', p.oid::regprocedure, x) FROM pg_proc p, unnest(coalesce(p.proacl, acldefault('f', p.proowner))) x WHERE p.oid >= 16384
		UNION ALL SELECT concat_ws(' | ', n.nspname, x) FROM pg_namespace n, unnest(coalesce(n.nspacl, acldefault('n', n.nspowner))) x WHERE n.oid >= 16384 OR n.oid = 2200
		UNION ALL SELECT concat_ws(' | ', t.oid::regtype, x) FROM pg_type t, unnest(coalesce(t.typacl, acldefault('T', t.typowner))) x WHERE t.oid >= 16384 AND t.typtype IN ('d', 'e', 'r')`,
	"column": `SELECT concat_ws(' | ', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
		pg_get_expr(d.adbin, d.adrelid), a.attcollation::regcollation, a.attstorage, a.attstattarget, a.attoptions, a.attfdwoptions, a.attacl, a.attinhcount, to_jsonb(a) ->> 'attcompression')
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped AND c.relnamespace <> 'pg_toast'::regnamespace AND c.relkind NOT IN ('i', 'I', 'S')`,
	"constraint": `SELECT concat_ws(' | ', k.conrelid::regclass, k.contypid::regtype, k.conname, pg_get_constraintdef(k.oid), k.coninhcount, k.contype IN ('c', 'n') AND k.connoinherit, k.conindid::regclass) FROM pg_constraint k
		WHERE k.oid >= 16384 AND (k.conparentid = 0 OR k.contype <> 'f')`,
	"index": `SELECT concat_ws(' | ', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered, i.indisreplident, h.inhparent::regclass, t.tgt)
		FROM pg_index i LEFT JOIN pg_inherits h ON h.inhrelid = i.indexrelid
		LEFT JOIN LATERAL (SELECT array_agg(attstattarget ORDER BY attnum) AS tgt FROM pg_attribute WHERE attrelid = i.indexrelid) t ON true
		WHERE i.indexrelid >= 16384 AND i.indrelid::regclass::text NOT LIKE 'pg_toast%'`,
	"view":    `SELECT concat_ws(' | ', c.oid::regclass, pg_get_viewdef(c.oid)) FROM pg_class c WHERE c.relkind IN ('v', 'm') AND c.oid >= 16384`,
	"trigger": `SELECT concat_ws(' | ', pg_get_triggerdef(oid), tgenabled) FROM pg_trigger WHERE oid >= 16384 AND NOT tgisinternal`,
	"rule":    `SELECT concat_ws(' | ', pg_get_ruledef(oid), ev_enabled) FROM pg_rewrite WHERE oid >= 16384`,
	"policy":  `SELECT concat_ws(' | ', schemaname, tablename, policyname, permissive, roles, cmd, qual, with_check) FROM pg_policies`,
	"routine": `SELECT concat_ws(' | ', p.oid::regprocedure, pg_get_userbyid(p.proowner), CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END)
		FROM pg_proc p WHERE p.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = p.oid AND e.deptype = 'e')`,
	"aggregate": `SELECT a.aggfnoid::regprocedure || to_jsonb(a)::text FROM pg_aggregate a WHERE a.aggfnoid::oid >= 16384 AND a.aggmtranstype < 16384 AND a.aggtranstype < 16384`,
	"type": `SELECT concat_ws(' | ', t.oid::regtype, t.typtype, pg_get_userbyid(t.typowner), format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault, t.typcollation::regcollation, t.typcategory, t.typispreferred,
		t.typdelim, t.typlen, t.typalign, t.typstorage, (SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
		FROM pg_type t WHERE t.oid >= 16384`,
	"sequence":   `SELECT concat_ws(' | ', seqrelid::regclass, seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle) FROM pg_sequence`,
	"comment":    `SELECT concat_ws(' | ', i.type, i.identity, d.description) FROM pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) i WHERE d.objoid >= 16384`,
	"statistics": `SELECT concat_ws(' | ', pg_get_statisticsobjdef(oid), stxstattarget) FROM pg_statistic_ext`,
	"inherits":   `SELECT concat_ws(' | ', inhrelid::regclass, inhparent::regclass, inhseqno) FROM pg_inherits`,
	"foreign": `SELECT concat_ws(' | ', s.srvname, s.srvtype, s.srvversion, s.srvoptions, pg_get_userbyid(s.srvowner)) FROM pg_foreign_server s
		UNION ALL SELECT concat_ws(' | ', f.ftrelid::regclass, s.srvname, f.ftoptions) FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
		UNION ALL SELECT concat_ws(' | ', srvname, usename, umoptions) FROM pg_user_mappings`,
	"publication": `SELECT p.pubname || ' ' || (to_jsonb(p) - 'oid' - 'pubowner')::text FROM pg_publication p UNION ALL SELECT to_jsonb(t)::text FROM pg_publication_tables t`,
	"text search": `SELECT concat_ws(' | ', m.mapcfg::regconfig, m.maptokentype, m.mapseqno, m.mapdict::regdictionary) FROM pg_ts_config_map m WHERE m.mapcfg >= 16384
		UNION ALL SELECT concat_ws(' | ', dictname, dictinitoption) FROM pg_ts_dict WHERE oid >= 16384`,
	"default privileges": `SELECT concat_ws(' | ', pg_get_userbyid(defaclrole), defaclnamespace::regnamespace, defaclobjtype, defaclacl) FROM pg_default_acl`,
	"event trigger":      `SELECT concat_ws(' | ', evtname, evtevent, evtfoid::regproc, evtenabled, evttags) FROM pg_event_trigger`,
	"extension":          `SELECT concat_ws(' | ', extname, extversion, extnamespace::regnamespace) FROM pg_extension`,
}

// witness is what the server says about all objects of a database.
func witness(t *testing.T, d database) string {
	_, err := d.conn.Exec(t.Context(), "SET search_path = ''")
	require.NoError(t, err)
	defer func() {
		_, err := d.conn.Exec(t.Context(), "RESET search_path")
		require.NoError(t, err)
	}()
	var b strings.Builder
	for _, what := range sortedKeys(witnesses) {
		rows, err := d.conn.Query(t.Context(), "SELECT x FROM ("+witnesses[what]+") q (x) ORDER BY x COLLATE \"C\"")
		require.NoError(t, err, what)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err, what)
		for _, line := range lines {
			b.WriteString(what + ": " + line + "\n")
		}
	}
	return b.String()
}

// dumps reports whether the pg_dump that is installed can read the server.
func dumps(major int) bool {
	out, err := exec.Command("pg_dump", "--version").Output()
	if err != nil {
		return false
	}
	fields := strings.Fields(string(out))
	version, _, _ := strings.Cut(fields[2], ".")
	n, err := strconv.Atoi(version)
	return err == nil && n >= major
}
