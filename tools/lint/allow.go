package main

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// A mark lets a finding of its line stand: //nolint:errcheck // only read
type mark struct {
	pos    token.Pos
	names  []string
	reason string
}

// at is a line of a file.
type at struct {
	file string
	line int
}

// allowing wraps analyzers so that marks let their findings stand, and adds one
// that finds the marks which let nothing stand, or do not say why.
func allowing(all []*analysis.Analyzer) []*analysis.Analyzer {
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = a.Name
		a.Run = silenced(a.Name, a.Run)
	}
	marks := &analysis.Analyzer{
		Name: "marks",
		Doc:  "find marks that let nothing stand, or without a reason",
		Run: func(pass *analysis.Pass) (any, error) {
			for _, m := range marksOf(pass) {
				switch {
				case m.reason == "":
					pass.Reportf(m.pos, "say why the finding may stand: //nolint:name // reason")
				case len(m.names) == 0 || slices.ContainsFunc(m.names, func(n string) bool { return !slices.Contains(names, n) }):
					pass.Reportf(m.pos, "a mark names one of %s", strings.Join(names, ", "))
				}
			}
			return nil, nil
		},
	}
	return append(all, marks)
}

// silenced runs an analyzer without what marks let stand and what is in
// generated files. A mark of its name that let nothing stand is a finding.
func silenced(name string, run func(*analysis.Pass) (any, error)) func(*analysis.Pass) (any, error) {
	return func(pass *analysis.Pass) (any, error) {
		marks, used := marksOf(pass), map[at]bool{}
		generated := map[string]bool{}
		for _, f := range pass.Files {
			generated[pass.Fset.File(f.FileStart).Name()] = ast.IsGenerated(f)
		}
		report := pass.Report
		quiet := *pass
		quiet.Report = func(d analysis.Diagnostic) {
			here := where(pass, d.Pos)
			switch m, ok := marks[here]; {
			case generated[here.file]:
			case ok && slices.Contains(m.names, name):
				used[here] = true
			default:
				report(d)
			}
		}
		out, err := run(&quiet)
		for here, m := range marks {
			if slices.Contains(m.names, name) && !used[here] {
				pass.Reportf(m.pos, "nothing to let stand here: no %s is found", name)
			}
		}
		return out, err
	}
}

// outsideTests lets an analyzer look at what is delivered only.
func outsideTests(a *analysis.Analyzer) {
	run := a.Run
	a.Run = func(pass *analysis.Pass) (any, error) {
		quiet, report := *pass, pass.Report
		quiet.Report = func(d analysis.Diagnostic) {
			if !strings.HasSuffix(where(pass, d.Pos).file, "_test.go") {
				report(d)
			}
		}
		return run(&quiet)
	}
}

func where(pass *analysis.Pass, pos token.Pos) at {
	p := pass.Fset.Position(pos)
	return at{p.Filename, p.Line}
}

func marksOf(pass *analysis.Pass) map[at]mark {
	all := map[at]mark{}
	for _, f := range pass.Files {
		for _, group := range f.Comments {
			for _, c := range group.List {
				text, ok := strings.CutPrefix(c.Text, "//nolint")
				if !ok {
					continue
				}
				names, reason, _ := strings.Cut(text, " // ")
				m := mark{pos: c.Pos(), reason: strings.TrimSpace(reason)}
				if names = strings.TrimPrefix(names, ":"); names != "" {
					m.names = strings.Split(names, ",")
				}
				all[where(pass, c.Pos())] = m
			}
		}
	}
	return all
}
