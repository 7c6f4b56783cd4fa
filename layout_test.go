// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const modulePath = "github.com/sessionbridge/session"

// layers says which packages of this module each package may import, outside
// its tests. "." is the root. An arrow that is not here is a decision to make,
// not a line to add.
var layers = []struct{ pkg, may string }{
	{pkg: ".", may: "dotnet wire"},
	{pkg: "wire", may: ""},
	{pkg: "dotnet", may: ""},
	{pkg: "memstore", may: ". wire"},
	{pkg: "redisstore", may: ". wire"},
	{pkg: "pebblestore", may: ". wire"},
	{pkg: "storetest", may: "."},
	{pkg: "bench", may: ""},
	{pkg: "remoteapp", may: ". wire internal/lastcookie internal/seldom"},
	{pkg: "httpsession", may: ". internal/lastcookie"},
	{pkg: "examples", may: ""},
	{pkg: "examples/visits", may: ". httpsession"},
	{pkg: "examples/join", may: "examples/visits httpsession remoteapp"},
	{pkg: "examples/own", may: ". examples/visits httpsession pebblestore remoteapp"},
	{pkg: "examples/leave", may: ". examples/visits httpsession pebblestore remoteapp"},
	{pkg: "examples/firstpage", may: ". dotnet httpsession remoteapp"},
	{pkg: "internal/lastcookie", may: ""},
	{pkg: "internal/memhttp", may: ""},
	{pkg: "internal/dotnetpeer", may: ""},
	{pkg: "internal/redistest", may: ""},
	{pkg: "internal/seldom", may: ""},
	{pkg: "internal/torture", may: ". wire remoteapp"},
	{pkg: "internal/attack", may: "wire"},
	{pkg: "internal/daemon", may: ". wire memstore pebblestore redisstore remoteapp internal/seldom"},
	{pkg: "internal/demo", may: ". dotnet memstore remoteapp httpsession"},
	{pkg: "cmd/sessionbridge", may: ". wire pebblestore remoteapp internal/daemon internal/demo internal/seldom"},
}

// TestLayers keeps the arrows between the packages.
func TestLayers(t *testing.T) {
	pkgs := listPackages(t)
	allowed := make(map[string][]string)
	for _, l := range layers {
		allowed[l.pkg] = strings.Fields(l.may)
		if _, ok := pkgs[l.pkg]; !ok {
			t.Errorf("%s has a line in layers, but is no package", l.pkg)
		}
	}
	for name, pkg := range pkgs {
		may, ok := allowed[name]
		if !ok {
			t.Errorf("%s has no line in layers", name)
			continue
		}
		for _, imported := range pkg.Imports {
			if ours, ok := inModule(imported); ok && !slices.Contains(may, ours) {
				t.Errorf("%s imports %s; layers allows it %q", name, ours, may)
			}
		}
	}
}

// TestRootHasNoNetworkAndNoFiles checks what the root package imports of the
// standard library. It looks further only for net/http: log/slog, for one,
// imports os.
func TestRootHasNoNetworkAndNoFiles(t *testing.T) {
	root := listPackages(t)["."]
	for _, imported := range root.Imports {
		switch first, _, _ := strings.Cut(imported, "/"); first {
		case "net", "os", "syscall", "embed":
			t.Errorf("the root package imports %s", imported)
		}
	}
	if slices.Contains(root.Deps, "net/http") {
		t.Error("the root package depends on net/http")
	}
}

// TestFormatsAreStandardLibraryOnly keeps what both sides of the wire must agree
// on free of other modules.
func TestFormatsAreStandardLibraryOnly(t *testing.T) {
	pkgs := listPackages(t)
	for _, name := range []string{"wire", "dotnet"} {
		for _, imported := range pkgs[name].Imports {
			if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
				t.Errorf("%s imports %s", name, imported)
			}
		}
	}
}

// TestPackageDocs checks that each package tells its job in one place.
func TestPackageDocs(t *testing.T) {
	for name, pkg := range listPackages(t) {
		docs := packageDocs(t, pkg)
		if len(docs) != 1 {
			t.Errorf("%s has %d package comments, want 1", name, len(docs))
			continue
		}
		if want := "Package " + pkg.Name + " "; pkg.Name != "main" && !strings.HasPrefix(docs[0], want) {
			t.Errorf("the package comment of %s does not begin with %q", name, want)
		}
	}
}

// TestHeaders checks that each Go file says whose it is and how it may be used.
func TestHeaders(t *testing.T) {
	const header = "// SPDX-FileCopyrightText: The Session Bridge authors\n" +
		"// SPDX-License-Identifier: Apache-2.0\n\n"
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		source = bytes.ReplaceAll(source, []byte("\r\n"), []byte("\n"))
		if !bytes.HasPrefix(source, []byte(header)) {
			t.Errorf("%s does not begin with the two SPDX lines and an empty one", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A listedPackage is what go list says of a package.
type listedPackage struct {
	Dir, ImportPath, Name   string
	GoFiles, IgnoredGoFiles []string
	Imports, Deps           []string
}

// listPackages returns the packages of this module that have more than tests,
// by their path below the module's, which is "." for the root.
func listPackages(t *testing.T) map[string]listedPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list",
		"-json=Dir,ImportPath,Name,GoFiles,IgnoredGoFiles,Imports,Deps", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr(err))
	}
	pkgs := make(map[string]listedPackage)
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg listedPackage
		if err := dec.Decode(&pkg); err == io.EOF {
			return pkgs
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		if name, ok := inModule(pkg.ImportPath); ok && len(pkg.GoFiles) > 0 {
			pkgs[name] = pkg
		}
	}
}

func stderr(err error) []byte {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.Stderr
	}
	return nil
}

// inModule returns the package's path below the module's, and false for a
// package of another module.
func inModule(importPath string) (string, bool) {
	if importPath == modulePath {
		return ".", true
	}
	return strings.CutPrefix(importPath, modulePath+"/")
}

// packageDocs returns the package comments of all files, also of those for
// other systems.
func packageDocs(t *testing.T, pkg listedPackage) []string {
	t.Helper()
	var docs []string
	for _, name := range slices.Concat(pkg.GoFiles, pkg.IgnoredGoFiles) {
		file := parseHead(t, filepath.Join(pkg.Dir, name))
		if !strings.HasSuffix(name, "_test.go") && file.Doc != nil {
			docs = append(docs, file.Doc.Text())
		}
	}
	return docs
}

func parseHead(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return file
}
