package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// sample is what one run of a program cost.
type sample struct {
	took   time.Duration
	memory int64 // bytes at the most; 0 where the system does not say
}

// side is one of the two programs that are compared.
type side struct {
	prepare func() error // before each run, not timed; may be nil
	argv    func() []string
	exit    []int        // accepted exit codes; 0 alone when empty
	check   func() error // after each run, not timed; may be nil
}

// always is an argv that does not change.
func always(argv ...string) func() []string { return func() []string { return argv } }

// result is a row of the table.
type result struct {
	name     string
	subject  sample // kedge
	against  sample // psql or pg_dump; zero when there is none
	target   float64
	absolute bool  // the target is in seconds, not a ratio
	ceiling  int64 // of kedge's memory, in bytes; 0 is none
	note     string
}

// compare runs both sides in turn, so that both meet the same noise, and keeps
// the medians.
func (b *bench) compare(ctx context.Context, runs int, against, subject side) (sample, sample, error) {
	var theirs, ours []sample
	for range runs {
		if against.argv != nil {
			s, err := b.time(ctx, against)
			if err != nil {
				return sample{}, sample{}, err
			}
			theirs = append(theirs, s)
		}
		s, err := b.time(ctx, subject)
		if err != nil {
			return sample{}, sample{}, err
		}
		ours = append(ours, s)
	}
	return median(theirs), median(ours), nil
}

func (b *bench) time(ctx context.Context, s side) (sample, error) {
	if s.prepare != nil {
		if err := s.prepare(); err != nil {
			return sample{}, err
		}
	}
	argv := s.argv()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = b.dir, b.environ
	var errs bytes.Buffer
	cmd.Stderr = &errs
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	if cmd.ProcessState == nil || !slices.Contains(append(s.exit, 0), cmd.ProcessState.ExitCode()) {
		return sample{}, fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, strings.TrimSpace(errs.String()))
	}
	if s.check != nil {
		if err := s.check(); err != nil {
			return sample{}, err
		}
	}
	return sample{took, peak(cmd.ProcessState)}, nil
}

// median is of the times; the memory is the highest.
func median(samples []sample) sample {
	if len(samples) == 0 {
		return sample{}
	}
	var m sample
	for _, s := range samples {
		m.memory = max(m.memory, s.memory)
	}
	slices.SortFunc(samples, func(a, b sample) int { return int(a.took - b.took) })
	m.took = samples[len(samples)/2].took
	return m
}

func (b *bench) print(w io.Writer) {
	fmt.Fprintf(w, "\n%-42s %10s %10s %8s %8s  %-7s %s\n", "", "kedge", "against", "ratio", "target", "", "")
	for _, r := range b.results {
		if r.subject.took == 0 {
			fmt.Fprintf(w, "%-42s %10s %10s %8s %8s  %-7s %s\n", r.name, "–", "–", "–", "–", "absent", r.note)
			continue
		}
		against, ratio, target, verdict := "–", "–", "–", ""
		value := r.subject.took.Seconds()
		if r.against.took > 0 {
			against = seconds(r.against.took)
			value = r.subject.took.Seconds() / r.against.took.Seconds()
			ratio = fmt.Sprintf("%.2f", value)
		}
		if r.target > 0 {
			target = fmt.Sprintf("%.2f", r.target)
			if r.absolute {
				target += " s"
				value = r.subject.took.Seconds()
			}
			verdict = "met"
			if value > r.target {
				verdict = "missed"
			}
		}
		if r.ceiling > 0 && r.subject.memory > r.ceiling {
			verdict = "missed"
		}
		notes := []string{r.note}
		if r.subject.memory > 0 {
			memory := fmt.Sprintf("%d MB", r.subject.memory>>20)
			if r.ceiling > 0 {
				memory += fmt.Sprintf(" of %d allowed", r.ceiling>>20)
			}
			notes = append(notes, memory)
		}
		notes = slices.DeleteFunc(notes, func(s string) bool { return s == "" })
		fmt.Fprintf(w, "%-42s %10s %10s %8s %8s  %-7s %s\n", r.name, seconds(r.subject.took), against, ratio, target, verdict, strings.Join(notes, "; "))
	}
}

func seconds(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }
