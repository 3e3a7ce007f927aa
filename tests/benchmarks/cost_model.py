"""What the cost model predicts, beside what sums take in processes of this machine.

    python -m tests.benchmarks.cost_model

Latency and bandwidth are found from rings and trees of two processes, of four sizes. With these two numbers it
predicts sums that were not looked at: other sizes, the way through a server, and four processes. Where there are fewer
cores than processes these take turns, which the model does not know: then what it says is too little.
"""

import os

from needle_edu.distributed import cost, launch

WAYS = ("ring", "tree", "server")
SIZES = (10_000, 300_000, 2_000_000, 8_000_000)  # bytes, none of which was used for the fit


def main():
    """Print the table."""
    network = cost.fit(launch(cost.measure, 2, time_limit=120)[0])
    print(f"latency {network.latency * 1e6:.0f} us, {network.bandwidth / 1e9:.2f} GB/s, from two processes")
    print(f"{os.cpu_count()} cores")
    print("processes  way        bytes  measured  predicted, ms  ratio")
    for processes in (2, 4):
        for way, n, nbytes, took in launch(cost.measure, processes, SIZES, WAYS, time_limit=120)[0]:
            said = network.sum(way, n, nbytes)
            print(f"{n:9}  {way:6} {nbytes:9,} {took * 1e3:9.3f} {said * 1e3:14.3f}  {said / took:5.2f}")


if __name__ == "__main__":
    main()
