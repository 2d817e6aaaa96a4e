package migrate

// HookEvents are the moments at which a run executes hooks, as Flyway names them
// (documentation.red-gate.com/flyway, "Callback Events"). Those around each
// migration are part of its transaction, where it has one; the others have
// transactions of their own. A run that has nothing to do runs none.
var HookEvents = []string{
	BeforeMigrate, BeforeRepeatables, BeforeEachMigrate, AfterEachMigrate, AfterVersioned, AfterMigrate, AfterMigrateApplied, AfterMigrateError, AfterEachMigrateError,
	BeforeUndo, BeforeEachUndo, AfterEachUndo, AfterUndo, AfterUndoError, AfterEachUndoError,
}

// The events of HookEvents.
const (
	BeforeMigrate         = "beforeMigrate"
	BeforeRepeatables     = "beforeRepeatables" // before the first repeatable migration of a run
	BeforeEachMigrate     = "beforeEachMigrate"
	AfterEachMigrate      = "afterEachMigrate"
	AfterVersioned        = "afterVersioned" // after the last versioned migration of a run
	AfterMigrate          = "afterMigrate"
	AfterMigrateApplied   = "afterMigrateApplied"
	AfterMigrateError     = "afterMigrateError"
	AfterEachMigrateError = "afterEachMigrateError"
	BeforeUndo            = "beforeUndo"
	BeforeEachUndo        = "beforeEachUndo"
	AfterEachUndo         = "afterEachUndo"
	AfterUndo             = "afterUndo"
	AfterUndoError        = "afterUndoError"
	AfterEachUndoError    = "afterEachUndoError"
)
