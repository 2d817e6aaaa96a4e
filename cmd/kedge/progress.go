package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/kedgedb/kedge/migrate"
)

// progress shows a run on standard error: a line a step, on a terminal with a
// spinner that lives on the last line, elsewhere as plain lines.
type progress struct {
	app   *app
	live  bool // a terminal: the last line may be drawn over
	width int

	mu       sync.Mutex
	step     migrate.Progress // the step that is running
	began    time.Time
	doing    string // what the running step is busy with
	drawn    bool
	waiting  int32     // whom the run waits for, by pid
	said     time.Time // when that was said
	frame    int
	stop     chan struct{}
	finished sync.WaitGroup
}

var spinner = []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

// startProgress begins to show a run; call close when it has ended.
func (a *app) startProgress() *progress {
	p := &progress{app: a, stop: make(chan struct{}), width: 80}
	if a.flags.quiet {
		return p
	}
	if p.live = a.onTerminal(a.err); p.live {
		if w, _, err := term.GetSize(int(a.err.(*os.File).Fd())); err == nil && w > 20 {
			p.width = w
		}
		p.finished.Add(1)
		go p.spin()
	}
	return p
}

func (p *progress) close() {
	close(p.stop)
	p.finished.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
}

func (p *progress) spin() {
	defer p.finished.Done()
	tick := time.NewTicker(80 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
			p.mu.Lock()
			p.frame++
			p.draw()
			p.mu.Unlock()
		}
	}
}

// observe is a migrate.Observer.
func (p *progress) observe(e migrate.Progress) {
	if p.app.flags.quiet && e.Kind != migrate.Warning {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Kind {
	case migrate.StepStarted:
		p.step, p.began, p.doing = e, time.Now(), ""
	case migrate.StatementStarted:
		p.doing = e.SQL
		if p.app.flags.verbose {
			p.line("  %s", p.paint(dim, firstLine(e.SQL, p.width-4)))
		}
	case migrate.StatementRunning:
		p.doing = e.SQL
		if e.Phase != "" {
			p.doing = e.Phase
			if e.Percent >= 0 {
				p.doing = fmt.Sprintf("%s %.0f%%", e.Phase, e.Percent)
			}
		}
		if !p.live {
			doing := firstLine(p.doing, 100)
			if doing == "" {
				doing = stepTitle(e.Step)
			}
			p.line("  … %s, %s", brief(e.Elapsed), doing)
		}
	case migrate.StepDone:
		p.line("%s %s %s%s", p.paint(green, "✓"), stepTitle(e.Step), p.paint(dim, brief(e.Elapsed)), retried(e.Retry))
		p.step = migrate.Progress{}
	case migrate.StepFailed:
		p.line("%s %s %s%s", p.paint(red, "✗"), stepTitle(e.Step), p.paint(dim, brief(e.Elapsed)), retried(e.Retry))
		p.step = migrate.Progress{}
	case migrate.WaitingForLock:
		p.line("  %s", p.paint(yellow, fmt.Sprintf("waiting for a lock; try %d in %s", e.Retry+1, brief(e.Delay))))
		p.blockers(e.Blockers)
	case migrate.WaitingForRun:
		if p.saysAgain(e.Blockers) {
			p.line("%s", p.paint(yellow, "waiting for another run of kedge on this database"))
			p.blockers(e.Blockers)
		}
	case migrate.WaitingForLag:
		p.line("  %s", p.paint(yellow, visible(e.Message)))
	case migrate.Warning:
		p.line("%s %s", p.paint(yellow, "warning:"), visible(e.Message))
	}
}

// saysAgain tells whether it is worth a line that the run waits: when it waits
// for somebody else, and every now and then.
func (p *progress) saysAgain(list []migrate.Blocker) bool {
	var pid int32
	if len(list) > 0 {
		pid = int32(list[0].PID)
	}
	if !p.said.IsZero() && pid == p.waiting && time.Since(p.said) < 10*time.Second {
		return false
	}
	p.waiting, p.said = pid, time.Now()
	return true
}

func (p *progress) blockers(list []migrate.Blocker) {
	for _, b := range list {
		p.line("    %s", describeBlocker(b))
	}
}

// describeBlocker says who stands in the way, since when and with what.
func describeBlocker(b migrate.Blocker) string {
	who := fmt.Sprintf("pid %d", b.PID)
	if b.User != "" {
		who += " (" + visible(b.User)
		if b.Application != "" {
			who += ", " + visible(b.Application)
		}
		if b.Client != "" {
			who += ", " + b.Client
		}
		who += ")"
	}
	if b.Since > 0 {
		who += " for " + brief(b.Since)
	}
	if b.State != "" {
		who += ", " + b.State
	}
	if b.Query != "" {
		who += ": " + firstLine(b.Query, 100)
	}
	return who
}

func retried(n int) string {
	if n == 0 {
		return ""
	}
	if n == 1 {
		return ", after 1 retry"
	}
	return fmt.Sprintf(", after %d retries", n)
}

func stepTitle(s *migrate.Step) string {
	if s == nil || s.Migration == nil {
		return ""
	}
	verb := "up  "
	if s.Direction == migrate.Down {
		verb = "down"
	}
	return verb + " " + migrationTitle(s.Migration)
}

// migrationTitle is a migration as people know it: version and name.
func migrationTitle(m *migrate.Migration) string {
	if m.Kind == migrate.Repeatable {
		return "R " + visible(m.Name)
	}
	if m.Name == "" {
		return string(m.Version)
	}
	return string(m.Version) + " " + visible(m.Name)
}

// firstLine is text on one line of at most width characters.
func firstLine(text string, width int) string {
	text = visible(strings.Join(strings.Fields(text), " "))
	if r := []rune(text); len(r) > width && width > 1 {
		return string(r[:width-1]) + "…"
	}
	return text
}

func (p *progress) paint(c paint, text string) string { return p.app.paint(p.app.err, c, text) }

// line prints a line that stays, above the one that is drawn over.
func (p *progress) line(format string, args ...any) {
	p.wipe()
	fmt.Fprintf(p.app.err, format+"\n", args...)
	p.draw()
}

func (p *progress) draw() {
	if !p.live || p.step.Step == nil {
		return
	}
	p.wipe()
	text := fmt.Sprintf("%s %s %s %s", spinner[p.frame%len(spinner)], stepTitle(p.step.Step), brief(time.Since(p.began)), firstLine(p.doing, p.width))
	fmt.Fprint(p.app.err, firstLine(text, p.width-1))
	p.drawn = true
}

func (p *progress) wipe() {
	if p.drawn {
		fmt.Fprint(p.app.err, "\r\x1b[K")
		p.drawn = false
	}
}
