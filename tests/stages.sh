#!/bin/sh
# Runs stages one after the other and says at the end how many minutes each took, beside its budget:
#   tests/stages.sh TITLE BUDGET 'NAME BUDGET COMMAND' ...
# A stage that fails ends the run with its status. One that took longer than its budget does not, but is named: what is
# long belongs into `make all`, so that `make test` stays short.
set -u
title=$1 budget=$2 status=0 table=
shift 2
begin=$(date +%s)

line() { # NAME SECONDS BUDGET: a line of the table, in minutes
  LC_ALL=C awk -v name="$1" -v seconds="$2" -v budget="$3" 'BEGIN {
    minutes = seconds / 60
    printf "  %-12s %6.1f of %4.1f%s\n", name, minutes, budget, (minutes > budget ? "   *** OVER BUDGET ***" : "")
  }'
}

for stage; do
  name=${stage%% *} rest=${stage#* }
  start=$(date +%s)
  sh -c "${rest#* }" || status=$?
  table="$table$(line "$name" $(($(date +%s) - start)) "${rest%% *}")
"
  [ $status = 0 ] || { table="$table  $name FAILED (status $status); what follows it did not run
"; break; }
done
printf '%s: minutes of each stage, and its budget\n%s%s\n' "$title" "$table" \
  "$(line total $(($(date +%s) - begin)) "$budget")"
exit $status
