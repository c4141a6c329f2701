// What promtool's `test rules` does, without the rest of it, which takes four times as long to build: unittest.go beside this is promtool's own.
package main

import (
	"os"

	"github.com/prometheus/prometheus/promql/promqltest"
)

const (
	successExitCode = 0
	failureExitCode = 1
)

func main() {
	os.Exit(RulesUnitTest(promqltest.LazyLoaderOpts{}, nil, false, false, false, os.Args[1:]...))
}
