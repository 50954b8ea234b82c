package esbuild_test

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkBuild measures making the code of a handler and finding it in the
// cache: one file, and one with 200 sources and a dependency of 300 files.
func BenchmarkBuild(b *testing.B) {
	small := map[string]string{"api.ts": `export const main = async (e: { name: string }) => ({ hello: e.name })`}
	large := map[string]string{"node_modules/dep/package.json": `{"name": "dep", "main": "m0.js"}`}
	var entry strings.Builder
	for i := range 200 {
		large[fmt.Sprintf("src/s%d.ts", i)] = fmt.Sprintf("export interface I%[1]d { a: string; b: number }\nexport class S%[1]d { private x: I%[1]d = { a: 'a', b: %[1]d }; run(): number { return this.x.b } }\n", i)
		fmt.Fprintf(&entry, "import { S%d } from './src/s%[1]d'\n", i)
	}
	for i := range 300 {
		next := fmt.Sprintf("require('./m%d.js')", i+1)
		if i == 299 {
			next = "0"
		}
		large[fmt.Sprintf("node_modules/dep/m%d.js", i)] = fmt.Sprintf("'use strict'\n%sexports.next = %s\n", strings.Repeat("exports.f = function (a, b) { return a + b * 2 }\n", 20), next)
	}
	large["api.ts"] = entry.String() + "import dep from 'dep'\nexport const main = async () => [dep, new S0().run()]\n"
	for _, size := range []struct {
		name  string
		files map[string]string
	}{{"small", small}, {"large", large}} {
		b.Run(size.name+"/cold", func(b *testing.B) {
			s := write(b, size.files)
			for b.Loop() {
				s.cache = b.TempDir()
				if r, _ := build(b, s.options("api.main", "")); r.Reused {
					b.Fatal("it was there")
				}
			}
		})
		b.Run(size.name+"/reused", func(b *testing.B) {
			s := write(b, size.files)
			build(b, s.options("api.main", ""))
			for b.Loop() {
				if r, _ := build(b, s.options("api.main", "")); !r.Reused {
					b.Fatal("it was not there")
				}
			}
		})
	}
}
