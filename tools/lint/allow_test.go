package main

import (
	"testing"

	"github.com/kisielk/errcheck/errcheck"
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"
)

func TestMarks(t *testing.T) {
	all := allowing([]*analysis.Analyzer{errcheck.Analyzer})
	analysistest.Run(t, analysistest.TestData(), all[0], "found")
	analysistest.Run(t, analysistest.TestData(), all[1], "marks")
}
