: Sets what it points to in each step, as mechanisms that change concentrations of others do.
NEURON {
    POINT_PROCESS Setter
    POINTER conc
    RANGE rate
}
PARAMETER { rate = 0 }
ASSIGNED { conc }
BREAKPOINT { SOLVE add METHOD after_cvode }
PROCEDURE add() { conc = conc + rate*dt }
