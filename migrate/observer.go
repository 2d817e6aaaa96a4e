package migrate

import "time"

// Observer is told what a run does while it does it. A nil Observer is silent.
// It is called from one goroutine at a time and should return quickly.
type Observer func(Progress)

// ProgressKind says what happened.
type ProgressKind string

// What an observer is told.
const (
	RunStarted       ProgressKind = "run_started"
	WaitingForRun    ProgressKind = "waiting_for_run" // another run holds the advisory lock: Blockers
	StepStarted      ProgressKind = "step_started"
	StatementStarted ProgressKind = "statement_started" // Statement, SQL
	StatementRunning ProgressKind = "statement_running" // every now and then: Elapsed, Percent, Phase
	WaitingForLock   ProgressKind = "waiting_for_lock"  // lock_timeout ran out: Blockers, Retry, Delay before the next try
	WaitingForLag    ProgressKind = "waiting_for_lag"   // throttled by a standby: Message
	StepDone         ProgressKind = "step_done"
	StepFailed       ProgressKind = "step_failed"
	Warning          ProgressKind = "warning" // Message
	RunDone          ProgressKind = "run_done"
)

// Progress is one thing that happened in a run.
type Progress struct {
	Kind      ProgressKind
	Step      *Step // nil outside of a step
	Number    int   // the step's number, from 1
	Total     int   // how many steps the run has
	Statement int   // 1-based
	SQL       string
	Elapsed   time.Duration
	Percent   float64 // 0 to 100; negative when unknown
	Phase     string  // from pg_stat_progress_*
	Retry     int
	Delay     time.Duration
	Blockers  []Blocker
	Message   string
	Err       error
}

// Blocker is a session that stands in the way.
type Blocker struct {
	PID         int32         `json:"pid"`
	User        string        `json:"user"`
	Application string        `json:"application"`
	Client      string        `json:"client"`
	State       string        `json:"state"`
	Query       string        `json:"query"`
	Since       time.Duration `json:"-"` // how long its transaction has been open
}
