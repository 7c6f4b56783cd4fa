// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestErrorsPage checks that docs/errors.md has every error text that can be met,
// and no other: what it quotes is in the source, and what the source can say is
// quoted. Where a text has parts of its own, the page has an ellipsis.
func TestErrorsPage(t *testing.T) {
	page, err := os.ReadFile(filepath.FromSlash("docs/errors.md"))
	must(t, err)
	quoted := quotedTexts(string(page))
	said := newSayings(t)
	for _, text := range quoted {
		if !said.any[text] {
			t.Errorf("docs/errors.md has %q, which is not in the source", text)
		}
	}
	for text, where := range said.errors {
		if !slices.Contains(quoted, text) {
			t.Errorf("%s: %q is not in docs/errors.md", where, text)
		}
	}
	for _, name := range said.names {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("%s is not in docs/errors.md", name)
		}
	}
	if len(said.errors) < 100 || len(said.names) < 20 {
		t.Errorf("only %d texts and %d names were found in the source", len(said.errors), len(said.names))
	}
}

// quotedTexts returns what the first column of the page's tables quotes.
func quotedTexts(page string) (texts []string) {
	for line := range strings.Lines(page) {
		cell, ok := strings.CutPrefix(line, "| ")
		if !ok {
			continue
		}
		cell, _, _ = strings.Cut(strings.ReplaceAll(cell, `\|`, "\x00"), " | ")
		for _, m := range regexp.MustCompile("`` ?(.*?) ?``|`(.*?)`").FindAllStringSubmatch(cell, -1) {
			if text := strings.ReplaceAll(m[1]+m[2], "\x00", "|"); strings.ContainsAny(text, " ") {
				texts = append(texts, bare(text))
			}
		}
	}
	return texts
}

// sayings are what the source can say.
type sayings struct {
	any    map[string]bool   // all texts
	errors map[string]string // those that are errors, complaints or lines of the log, and where they are
	names  []string          // errors that a program branches on, and the codes of problems
}

func newSayings(t *testing.T) *sayings {
	t.Helper()
	s := &sayings{any: make(map[string]bool), errors: make(map[string]string)}
	for name, pkg := range listPackages(t) {
		if top, _, _ := strings.Cut(name, "/"); top == "bench" || top == "storetest" || top == "examples" ||
			top == "internal" && name != "internal/daemon" && name != "internal/demo" {
			continue
		}
		for _, file := range slices.Concat(pkg.GoFiles, pkg.IgnoredGoFiles) {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, filepath.Join(pkg.Dir, file), nil, 0)
			must(t, err)
			ast.Inspect(f, func(n ast.Node) bool {
				s.visit(n, name != "internal/demo", func(n ast.Node) string {
					return path.Join(name, file) + ":" + strconv.Itoa(fset.Position(n.Pos()).Line)
				})
				return true
			})
			s.addNames(pkg.Name, f)
		}
	}
	return s
}

// sayingCalls are the functions whose literal is said to somebody, and which of
// their arguments it is.
var sayingCalls = map[string]int{
	"New": 0, "Errorf": 0, "add": 0, "refuse": 2, "complain": 2, "fail": 2,
	"Warn": 0, "WarnContext": 1, "Error": 0, "ErrorContext": 1,
}

// visit notes what a node says. strict is for packages whose errors must all be
// on the page; the demo has pages of its own for its.
func (s *sayings) visit(n ast.Node, strict bool, where func(ast.Node) string) {
	switch n := n.(type) {
	case *ast.BasicLit, *ast.BinaryExpr:
		if text, ok := textOf(n.(ast.Expr)); ok {
			s.any[text] = true
			if _, code, ok := strings.Cut(text, "urn:sessionbridge:problem:"); ok {
				s.names = append(s.names, code)
			}
		}
	case *ast.CallExpr:
		if strict {
			s.visitCall(n, where)
		}
	case *ast.FuncDecl:
		if n.Name.Name == "Error" && n.Recv != nil && strict {
			s.addErrorMethod(n, where)
		}
	case *ast.KeyValueExpr:
		key, ok := n.Key.(*ast.Ident)
		text, ok2 := textOf(n.Value)
		switch {
		case !ok || !ok2:
		case key.Name == "code":
			s.names = append(s.names, text)
		case key.Name == "cause":
			s.errors[text] = where(n)
		}
	}
}

func (s *sayings) visitCall(call *ast.CallExpr, where func(ast.Node) string) {
	called := ""
	switch fun := call.Fun.(type) {
	case *ast.SelectorExpr:
		called = fun.Sel.Name
	case *ast.Ident:
		called = fun.Name
	}
	at, ok := sayingCalls[called]
	if !ok || at >= len(call.Args) {
		return
	}
	if text, ok := textOf(call.Args[at]); ok && !isPrivate(text) {
		s.errors[text] = where(call)
	}
}

// addErrorMethod adds what a type of errors says.
func (s *sayings) addErrorMethod(method *ast.FuncDecl, where func(ast.Node) string) {
	ast.Inspect(method, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		if text, ok := textOf(call.Args[0]); ok && !isPrivate(text) {
			s.errors[text] = where(n)
		}
		return true
	})
}

// isPrivate tells of texts that hardly say a thing, and of those that never leave
// their package.
func isPrivate(text string) bool {
	switch text {
	case "time is up", "the body is not wanted any more", "the hold of a late commit was lost", "the session is still held":
		return true
	}
	return !strings.Contains(text, " ") || len(regexp.MustCompile(`[^a-z]`).ReplaceAllString(text, "")) < 7
}

// addNames adds the errors that a package exports.
func (s *sayings) addNames(pkg string, f *ast.File) {
	for _, decl := range f.Decls {
		vars, ok := decl.(*ast.GenDecl)
		if !ok || vars.Tok != token.VAR {
			continue
		}
		for _, spec := range vars.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if strings.HasPrefix(name.Name, "Err") {
					s.names = append(s.names, pkg+"."+name.Name)
				}
			}
		}
	}
}

// textOf returns what an expression says, with an ellipsis for what it does not
// know, and without the names and causes around it.
func textOf(e ast.Expr) (string, bool) {
	text, ok := rawText(e)
	if !ok {
		return "", false
	}
	text = regexp.MustCompile(`%[-+# 0-9.*]*[a-zA-Z]`).ReplaceAllString(text, "…")
	text = strings.ReplaceAll(text, "%%", "%")
	return bare(text), true
}

// bare returns a text without the names before it and the cause behind it.
func bare(text string) string {
	around := regexp.MustCompile(`^; |^((…|wire|dotnet|session manager|remote app (handler|client)|memstore|redisstore|pebblestore|httpsession): )+|(: ?…?)+$`)
	return strings.TrimSpace(around.ReplaceAllString(text, ""))
}

func rawText(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, ok1 := rawText(e.X)
		right, ok2 := rawText(e.Y)
		if e.Op != token.ADD || !ok1 && !ok2 {
			return "", false
		}
		if !ok1 {
			left = "%v"
		}
		if !ok2 {
			right = "%v"
		}
		return left + right, true
	case *ast.CallExpr: // fmt.Sprintf
		if fun, ok := e.Fun.(*ast.SelectorExpr); ok && fun.Sel.Name == "Sprintf" {
			return rawText(e.Args[0])
		}
	}
	return "", false
}
