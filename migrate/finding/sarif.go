package finding

import (
	"io"
	"slices"
	"strings"
)

// The parts of SARIF 2.1.0 that a report needs (OASIS, "Static Analysis Results Interchange Format").
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifRule struct {
		ID          string     `json:"id"`
		Short       sarifText  `json:"shortDescription"`
		Description *sarifText `json:"fullDescription,omitempty"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndLine     int `json:"endLine,omitempty"`
	}
)

func writeSARIF(w io.Writer, r Report) error {
	name, version, _ := strings.Cut(r.Tool, " ")
	if name == "" {
		name = "kedge"
	}
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: name, Version: version, Rules: []sarifRule{}}}, ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	levels := map[Severity]string{Off: "none", Notice: "note", Warning: "warning", Error: "error"}
	driver := &run.Tool.Driver
	for _, f := range r.Findings {
		index := slices.IndexFunc(driver.Rules, func(rule sarifRule) bool { return rule.ID == f.Rule })
		if index < 0 {
			index = len(driver.Rules)
			rule := sarifRule{ID: f.Rule, Short: sarifText{strings.ReplaceAll(f.Rule, "-", " ")}}
			if r.Explain != nil {
				if text := r.Explain(f.Rule); text != "" {
					rule.Description = &sarifText{text}
				}
			}
			driver.Rules = append(driver.Rules, rule)
		}
		places := []sarifLocation{}
		if f.File != "" {
			place := sarifPhysical{Artifact: sarifArtifact{uri(f.File)}}
			if f.Line > 0 {
				place.Region = &sarifRegion{f.Line, f.Column, max(f.EndLine, f.Line)}
			}
			places = append(places, sarifLocation{place})
		}
		run.Results = append(run.Results, sarifResult{
			RuleID: f.Rule, RuleIndex: index, Level: levels[f.Severity], Message: sarifText{f.sentence()},
			Locations: places, Fingerprints: map[string]string{"kedge/v1": f.Fingerprint()},
		})
	}
	return encode(w, sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

// uri is a relative path as a URI reference (RFC 3986).
func uri(path string) string {
	var b strings.Builder
	for _, c := range []byte(strings.ReplaceAll(path, `\`, "/")) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteString("%" + strings.ToUpper(string("0123456789abcdef"[c>>4])+string("0123456789abcdef"[c&15])))
		}
	}
	return b.String()
}
