package bundle_test

import (
	"archive/zip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/artifact/bundle"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

func archive(t *testing.T, files map[string]string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "code.zip")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	for file, content := range files {
		part, err := w.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return name
}

func read(t *testing.T, elements ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestPrepare(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "index.js"), []byte("folder"), 0o644); err != nil {
		t.Fatal(err)
	}
	zipped := archive(t, map[string]string{"index.js": "zipped", "lib/a.txt": "deep"})
	tests := []struct {
		name, runtime, handler string
		code                   lambda.Code
		file, want             string
		temporary              bool
	}{
		{"folder", "nodejs22.x", "index.handler", lambda.Code{Dir: folder}, "index.js", "folder", false},
		{"archive", "nodejs22.x", "index.handler", lambda.Code{Archive: zipped}, "lib/a.txt", "deep", true},
		{"inline JavaScript", "nodejs22.x", "index.handler", lambda.Code{Inline: "js"}, "index.js", "js", true},
		{"inline Python", "python3.13", "app.main", lambda.Code{Inline: "py"}, "app.py", "py", true},
		{"inline in a folder", "python3.13", "a/b.main", lambda.Code{Inline: "py"}, "a/b.py", "py", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := bundle.Prepare(&lambda.Function{Runtime: tt.runtime, Handler: tt.handler, Code: tt.code}, "")
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, c.Dir, filepath.FromSlash(tt.file)); got != tt.want {
				t.Errorf("%s holds %q, want %q", tt.file, got, tt.want)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(c.Dir); os.IsNotExist(err) != tt.temporary {
				t.Errorf("after Close: %v", err)
			}
		})
	}
}

func TestLayersKeepTheirOrder(t *testing.T) {
	folder := t.TempDir()
	zipped := archive(t, map[string]string{"python/m.py": "x"})
	c, err := bundle.Prepare(&lambda.Function{Code: lambda.Code{Dir: t.TempDir()}, Layers: []lambda.Layer{{Archive: zipped}, {Dir: folder}}}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if len(c.Layers) != 2 || c.Layers[1] != folder || read(t, c.Layers[0], "python", "m.py") != "x" {
		t.Errorf("layers %v", c.Layers)
	}
}

func TestPublishedLayersComeFromTheCache(t *testing.T) {
	const arn = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:7"
	cache := t.TempDir()
	fn := &lambda.Function{Code: lambda.Code{Dir: t.TempDir()}, Layers: []lambda.Layer{{ARN: arn}}}
	dir := filepath.Join(cache, "tools-7-89023ff614") // as SAM CLI 1.164 names it
	_, err := bundle.Prepare(fn, cache)
	var missing *bundle.Unavailable
	if !errors.As(err, &missing) {
		t.Fatalf("without the layer: %v", err)
	}
	for _, want := range []string{dir, "get-layer-version-by-arn --region eu-west-1 --arn " + arn + " "} {
		if !strings.Contains(missing.Hint, want) {
			t.Errorf("the hint %q does not say %q", missing.Hint, want)
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c, err := bundle.Prepare(fn, cache)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if len(c.Layers) != 1 || c.Layers[0] != dir {
		t.Errorf("layers %v", c.Layers)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("not a zip"), 0o644); err != nil {
		t.Fatal(err)
	}
	here := lambda.Code{Dir: t.TempDir()}
	at := lambda.Source{File: "template.yaml", Line: 7, Column: 3}
	tests := []struct {
		name string
		fn   lambda.Function
		want string
	}{
		{"missing folder", lambda.Function{Code: lambda.Code{Dir: "/nowhere/at/all"}}, "the code folder /nowhere/at/all is not on this machine"},
		{"file as folder", lambda.Function{Code: lambda.Code{Dir: file}}, "the code folder " + file + " cannot be used: it is not a folder"},
		{"broken archive", lambda.Function{Code: lambda.Code{Archive: file}}, "the code archive " + file + " cannot be used: zip: not a valid zip file"},
		{"in S3", lambda.Function{Code: lambda.Code{Remote: "s3://b/k"}}, "the code s3://b/k is not on this machine"},
		{"published layer", lambda.Function{Code: here, Layers: []lambda.Layer{{ARN: "arn:x", Source: at}}}, "the layer arn:x is not on this machine"},
		{"missing layer", lambda.Function{Code: here, Layers: []lambda.Layer{{Dir: "/nowhere", Source: at}}}, "the layer folder /nowhere is not on this machine"},
		{"inline out of its folder", lambda.Function{Path: "F", Handler: "../../x.h", Code: lambda.Code{Inline: "x"}}, "writing inline code of F: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			tt.fn.Sources = map[string]lambda.Source{"CodeUri": at}
			_, err := bundle.Prepare(&tt.fn, "")
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Fatalf("error %v, want %s", err, tt.want)
			}
			var unavailable *bundle.Unavailable
			if errors.As(err, &unavailable) && (unavailable.Source != at || unavailable.Hint == "") {
				t.Errorf("place %v, hint %q", unavailable.Source, unavailable.Hint)
			}
			if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) > 0 {
				t.Errorf("%v is left behind", left)
			}
		})
	}
}
