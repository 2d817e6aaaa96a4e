package ddl

import "strings"

// LockMode is a table-level lock mode (documentation section "Explicit Locking"), weakest first.
type LockMode uint8

// The lock modes. NoLock is no lock at all.
const (
	NoLock LockMode = iota
	AccessShare
	RowShare
	RowExclusive
	ShareUpdateExclusive
	Share
	ShareRowExclusive
	Exclusive
	AccessExclusive
)

var lockModeNames = [...]string{
	"", "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE",
	"EXCLUSIVE", "ACCESS EXCLUSIVE",
}

// String returns the mode as LOCK TABLE spells it, "" for NoLock.
func (m LockMode) String() string { return lockModeNames[m] }

// CatalogName returns the mode as pg_locks.mode spells it: "AccessExclusiveLock".
func (m LockMode) CatalogName() string {
	if m == NoLock {
		return ""
	}
	var name strings.Builder
	for word := range strings.FieldsSeq(m.String()) {
		name.WriteString(word[:1] + strings.ToLower(word[1:]))
	}
	return name.String() + "Lock"
}

// LockModeOf returns the mode with the name, in either spelling, and whether there is one.
func LockModeOf(name string) (LockMode, bool) {
	for m := AccessShare; m <= AccessExclusive; m++ {
		if strings.EqualFold(name, m.String()) || strings.EqualFold(name, m.CatalogName()) {
			return m, true
		}
	}
	return NoLock, false
}

// conflicts has a bit for every mode that each mode conflicts with, from the table in "Explicit Locking".
var conflicts = [...]uint16{
	NoLock:               0,
	AccessShare:          1 << AccessExclusive,
	RowShare:             1<<Exclusive | 1<<AccessExclusive,
	RowExclusive:         1<<Share | 1<<ShareRowExclusive | 1<<Exclusive | 1<<AccessExclusive,
	ShareUpdateExclusive: 1<<ShareUpdateExclusive | 1<<Share | 1<<ShareRowExclusive | 1<<Exclusive | 1<<AccessExclusive,
	Share:                1<<RowExclusive | 1<<ShareUpdateExclusive | 1<<ShareRowExclusive | 1<<Exclusive | 1<<AccessExclusive,
	ShareRowExclusive:    1<<RowExclusive | 1<<ShareUpdateExclusive | 1<<Share | 1<<ShareRowExclusive | 1<<Exclusive | 1<<AccessExclusive,
	Exclusive:            1<<RowShare | 1<<RowExclusive | 1<<ShareUpdateExclusive | 1<<Share | 1<<ShareRowExclusive | 1<<Exclusive | 1<<AccessExclusive,
	AccessExclusive:      1<<AccessExclusive<<1 - 2,
}

// Conflicts reports whether a transaction that asks for m waits for another that holds other.
func (m LockMode) Conflicts(other LockMode) bool { return conflicts[m]&(1<<other) != 0 }

// BlocksReads reports whether a plain SELECT waits for the lock.
func (m LockMode) BlocksReads() bool { return m.Conflicts(AccessShare) }

// BlocksWrites reports whether INSERT, UPDATE, DELETE and MERGE wait for the lock.
func (m LockMode) BlocksWrites() bool { return m.Conflicts(RowExclusive) }

// BlocksMaintenance reports whether VACUUM, ANALYZE and the schema changes made to run beside traffic (CREATE INDEX
// CONCURRENTLY, VALIDATE CONSTRAINT) wait for the lock. Schema changes that need ACCESS EXCLUSIVE wait for every lock.
func (m LockMode) BlocksMaintenance() bool { return m.Conflicts(ShareUpdateExclusive) }
