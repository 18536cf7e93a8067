package survey

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

const (
	longest   = 2000   // bytes of an expression
	costLimit = 10_000 // far above any expression that fits; a stop, not a budget
)

// A condition is the compiled expression of a rule or an advice.
type condition struct {
	program   cel.Program
	questions []string // that it asks for, in order of appearance
}

// environment declares one variable for each question, and no macros.
func environment(s *Survey) (*cel.Env, error) {
	options := []cel.EnvOption{cel.ClearMacros()}
	for _, id := range slices.Sorted(maps.Keys(s.questions)) {
		t := cel.StringType
		if s.questions[id].Type == Many {
			t = cel.ListType(cel.StringType)
		}
		options = append(options, cel.Variable(id, t))
	}
	return cel.NewEnv(options...)
}

// compile reads an expression, or tells all that is wrong with it.
func compile(env *cel.Env, questions map[string]*Question, when string) (condition, []string) {
	if len(when) > longest {
		return condition{}, []string{fmt.Sprintf("longer than %d bytes", longest)}
	}
	checked, issues := env.Compile(when)
	if err := issues.Err(); err != nil {
		return condition{}, []string{strings.Join(strings.Fields(err.Error()), " ")}
	}
	if checked.OutputType() != cel.BoolType {
		return condition{}, []string{fmt.Sprintf("%q is %s, not a yes or no", when, checked.OutputType())}
	}
	w := walker{questions: questions}
	w.walk(checked.NativeRep().Expr())
	if len(w.mistakes) > 0 {
		return condition{}, w.mistakes
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptPartialEval), cel.CostLimit(costLimit))
	if err != nil {
		return condition{}, []string{err.Error()}
	}
	return condition{program: program, questions: w.asked}, nil
}

// walker keeps an expression within the rules' language, and compares each
// answer it names with the answers of the question it is compared with.
type walker struct {
	questions map[string]*Question
	asked     []string
	mistakes  []string
}

func (w *walker) bad(format string, args ...any) {
	w.mistakes = append(w.mistakes, fmt.Sprintf(format, args...))
}

func (w *walker) walk(e ast.Expr) {
	if e.Kind() == ast.LiteralKind && e.AsLiteral() == types.True {
		return
	}
	if e.Kind() != ast.CallKind {
		w.bad("only comparisons of a question with its answers, &&, || and true are part of the rules' language")
		return
	}
	call := e.AsCall()
	switch call.FunctionName() {
	case operators.LogicalAnd, operators.LogicalOr:
		for _, arg := range call.Args() {
			w.walk(arg)
		}
	case operators.Equals, operators.In, operators.OldIn:
		w.comparison(call.Args()[0], call.Args()[1])
	default:
		w.bad("%s is not part of the rules' language (==, in, &&, ||)", call.FunctionName())
	}
}

// comparison takes a question and answers, in either order.
func (w *walker) comparison(left, right ast.Expr) {
	question, answers := left, right
	if left.Kind() != ast.IdentKind {
		question, answers = right, left
	}
	if question.Kind() != ast.IdentKind {
		w.bad("a comparison names no question")
		return
	}
	q := w.questions[question.AsIdent()]
	if q == nil { // cannot be: the type check knows only questions
		w.bad("there is no question %s", question.AsIdent())
		return
	}
	if !slices.Contains(w.asked, q.ID) {
		w.asked = append(w.asked, q.ID)
	}
	listed := []ast.Expr{answers}
	if answers.Kind() == ast.ListKind {
		if q.Type == Many {
			w.bad("%s takes several answers: ask for each as 'answer' in %s", q.ID, q.ID)
			return
		}
		listed = answers.AsList().Elements()
	}
	for _, a := range listed {
		w.answer(q, a)
	}
}

func (w *walker) answer(q *Question, e ast.Expr) {
	var v ref.Val
	if e.Kind() == ast.LiteralKind {
		v = e.AsLiteral()
	}
	id, ok := v.(types.String)
	if !ok {
		w.bad("%s is compared with something that is not the id of an answer", q.ID)
		return
	}
	if !q.Has(string(id)) {
		w.bad("question %s has no answer %q", q.ID, string(id))
	}
}

// truth is what a condition says about answers that may be incomplete.
type truth int

const (
	no truth = iota
	yes
	open // an unanswered question decides
)

// holds evaluates the condition. An expression that fails to evaluate, which
// the language leaves no way to, counts as open: a matter is rather left open
// than denied.
func (c condition) holds(given cel.PartialActivation) truth {
	v, _, err := c.program.Eval(given)
	switch {
	case err != nil || types.IsUnknown(v):
		return open
	case v == types.True:
		return yes
	default:
		return no
	}
}
