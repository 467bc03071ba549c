/*
 * Turn keys and the rule to seal anew (docs/protocol.md 7.22, 7.23, 7.25), for spin:
 *
 *     spin -a turn_keys.pml && gcc -O2 -o pan pan.c && ./pan -a -f -m200000
 *
 * One station says two statements, the other one owns the keys: a prekey on its disk
 * (0), and four turn keys in memory. The wire loses, doubles and reorders within
 * bounds; either station may be started again. The claim: every statement is opened.
 *
 * With -DNO_RESEAL given to spin the sender repeats the cell that it sealed first, with
 * -DNO_NACK the receiver does not say that a key is gone. Both lose statements, even
 * with -DLOSSES=0 -DDOUBLES=0.
 */
#ifndef LOSSES
#define LOSSES 2
#endif
#ifndef DOUBLES
#define DOUBLES 1
#endif
#ifndef STARTS
#define STARTS 1
#endif

#define STATEMENTS 2
#define KEYS 5
#define NONE 7

/* What is on its way: a set, so that any order is possible. */
bit cells[10];          /* statement * KEYS + key that it is sealed to */
bit receipts[10];       /* statement * KEYS + key that is announced with it */
bit nacks[25];          /* key that is gone * KEYS + key that is announced with it */

bit opened[STATEMENTS];
byte losses = LOSSES, doubles = DOUBLES;

/* The receiver's keys. Keys only rise: drawn is the newest ever, and stands on no disk;
 * that a start goes on above it is the work of its clock and of the handshake. */
byte current = NONE, previous = NONE, drawn = 0;
bit used = 0;

#define SEND(bit_on_the_wire) \
    if \
    :: bit_on_the_wire = 1 \
    :: losses > 0 -> losses-- \
    fi

#define TAKE(bit_on_the_wire) \
    if \
    :: bit_on_the_wire = 0 \
    :: doubles > 0 -> doubles-- \
    fi

inline draw() {
    drawn++;
    previous = current;
    current = drawn;
    used = 0
}

/* Before a packet is sealed: a turn, or no key at all, draws a new one. */
inline announce() {
    if
    :: (used || current == NONE) && drawn < KEYS - 1 -> draw()
    :: else -> skip
    fi;
    assert(current != NONE)
}

inline hear(s, k) {
    TAKE(cells[s * KEYS + k]);
    if
    :: k == 0 || k == current || k == previous ->
        opened[s] = 1;
        if
        :: k == current -> used = 1
        :: else -> skip
        fi;
        announce();
        SEND(receipts[s * KEYS + current])
    :: else ->
        announce();
#ifndef NO_NACK
        assert(current > k);
        SEND(nacks[k * KEYS + current])
#endif
    fi
}

#define HEAR(s, k) :: atomic { cells[s * KEYS + k] -> hear(s, k) }

proctype Receiver() {
    byte starts = STARTS;
    do
    HEAR(0, 0) HEAR(0, 1) HEAR(0, 2) HEAR(0, 3) HEAR(0, 4)
    HEAR(1, 0) HEAR(1, 1) HEAR(1, 2) HEAR(1, 3) HEAR(1, 4)
    /* The newer key was used, or was made long ago: the previous one is destroyed. */
    :: atomic { previous != NONE -> previous = NONE }
    /* Ten minutes, or a link that came up: a new key, whoever knows the one before. */
    :: atomic { current != NONE && drawn < KEYS - 1 -> draw() }
    /* Fifteen minutes. */
    :: atomic { current != NONE && drawn < KEYS - 1 -> current = NONE; used = 0 }
    /* A start: what was in memory is gone. */
    :: atomic {
        starts > 0 && drawn < KEYS - 1 ->
        starts--;
        current = NONE;
        previous = NONE;
        used = 0
    }
    od
}

/* The sender's knowledge. The statements are in its ledger, known is in memory. */
byte known = 0;
bit receipted[STATEMENTS];
#ifdef NO_RESEAL
byte sealed[STATEMENTS] = NONE;
#endif

#define UNDER_WAY(s) \
    (cells[s * KEYS] || cells[s * KEYS + 1] || cells[s * KEYS + 2] || cells[s * KEYS + 3] || \
     cells[s * KEYS + 4] || receipts[s * KEYS] || receipts[s * KEYS + 1] || \
     receipts[s * KEYS + 2] || receipts[s * KEYS + 3] || receipts[s * KEYS + 4])

inline say(s) {
#ifdef NO_RESEAL
    if
    :: sealed[s] == NONE -> sealed[s] = known
    :: else -> skip
    fi;
    SEND(cells[s * KEYS + sealed[s]])
#else
    SEND(cells[s * KEYS + known])
#endif
}

/* An older announcement is ignored. */
inline learn(a) {
    if
    :: a > known -> known = a
    :: else -> skip
    fi
}

/* The pause before a repeat is longer than the wire takes: nothing answers any more. */
#define NACKED (nacks[7] || nacks[8] || nacks[9] || nacks[13] || nacks[14] || nacks[19])
#define SAY(s) :: atomic { !receipted[s] && !UNDER_WAY(s) && !NACKED -> say(s) }
#define LAND(s, a) :: atomic { receipts[s * KEYS + a] -> \
    TAKE(receipts[s * KEYS + a]); receipted[s] = 1; learn(a) }
#define MISS(k, a) :: atomic { nacks[k * KEYS + a] -> TAKE(nacks[k * KEYS + a]); learn(a) }

proctype Sender() {
    byte starts = STARTS;
    do
    SAY(0) SAY(1)
    LAND(0, 0) LAND(0, 1) LAND(0, 2) LAND(0, 3) LAND(0, 4)
    LAND(1, 0) LAND(1, 1) LAND(1, 2) LAND(1, 3) LAND(1, 4)
    MISS(1, 2) MISS(1, 3) MISS(1, 4) MISS(2, 3) MISS(2, 4) MISS(3, 4)
#ifndef NO_RESEAL
    :: atomic { starts > 0 -> starts--; known = 0 }
#endif
    od
}

init {
    atomic { run Receiver(); run Sender() }
}

ltl every_statement_is_opened { <> (opened[0] && opened[1]) }
