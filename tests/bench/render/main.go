// SPDX-License-Identifier: MIT

// render MODE NAME COUNT DATA FILE... does with Go's template packages what ../render.c does
// with ours, and prints the same.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	html "html/template"
	"io"
	"os"
	"strconv"
	"syscall"
	text "text/template"
)

type executor interface {
	ExecuteTemplate(out io.Writer, name string, data any) error
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}

func parse(mode string, paths []string) executor {
	if mode == "html" {
		parsed, err := html.New("").Option("missingkey=zero").Funcs(html.FuncMap(functions)).ParseFiles(paths...)
		check(err)
		return parsed
	}
	parsed, err := text.New("").Option("missingkey=zero").Funcs(text.FuncMap(functions)).ParseFiles(paths...)
	check(err)
	return parsed
}

// cpuMicroseconds is the time of the whole process, the garbage collector's threads included.
func cpuMicroseconds() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1000
}

func main() {
	mode, name, paths := os.Args[1], os.Args[2], os.Args[5:]
	count, err := strconv.Atoi(os.Args[3])
	check(err)
	body, err := os.ReadFile(os.Args[4])
	check(err)
	var data Data
	check(json.Unmarshal(body, &data))
	templates := parse(mode, paths)

	out.Grow(1 << 17)
	check(templates.ExecuteTemplate(&out, name, &data))
	if count == 0 {
		os.Stdout.Write(out.Bytes())
		return
	}
	size, start := out.Len(), cpuMicroseconds()
	for i := 0; i < count; i++ {
		out.Reset()
		check(templates.ExecuteTemplate(&out, name, &data))
	}
	fmt.Printf("%.2f %d\n", (cpuMicroseconds()-start)/float64(count), size)
}

// out is what the templates write to; `written` looks at it.
var out bytes.Buffer
