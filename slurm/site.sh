# What all jobs of this folder share: they source it. Edit the first part once for your cluster.
#
# Submit from the folder that holds slurm/: a checkout, or a folder of your own with a copy of slurm/ in it.
# Where every job needs an account or a partition, set them once in your shell instead of in each file:
#
#   export SBATCH_ACCOUNT=... SBATCH_PARTITION=...
#
# ECSMPI_LAUNCHER and ECSMPI_SRUN_MPI, exported when you submit, win over what is written here.

# --- edit ---------------------------------------------------------------------------------------------------

# The MPI and parallel HDF5 that ecsmpi was installed with; without their modules ranks find no libmpi.
# module load openmpi hdf5

# The environment that has ecsmpi: scripts/setup's, or yours (conda: `. .../etc/profile.d/conda.sh` first).
. .venv/bin/activate

# srun     SLURM starts the ranks itself: first choice, since it knows the job's cores best
# mpirun   Open MPI's, where srun and the MPI library do not know each other
launcher="${ECSMPI_LAUNCHER:-srun}"

# What srun and the MPI library speak: pmix for Open MPI, pmi2 for MPICH and its relatives. `srun --mpi=list`
# says what there is. Never `none`: N processes, each alone with the whole model, which ecsmpi refuses.
srun_mpi="${ECSMPI_SRUN_MPI:-pmix}"

# --- nothing to edit below ----------------------------------------------------------------------------------

# Since 22.05 srun no longer takes the cores of a task from the job, so it is told below. numba reads how many
# threads a rank has when it is imported, so the environment says it; unless told otherwise, all are used.
threads="${SLURM_CPUS_PER_TASK:-1}"
export NUMBA_NUM_THREADS="$threads"

# launch_on RANKS sets `launch`, the words that start a command on the first RANKS places of the job, each
# rank bound to cores of its own. Nodes are filled one by one: slabs that touch then mostly share a node.
launch_on() {
    local ranks="$1" node="${SLURM_NTASKS_PER_NODE:-$SLURM_NTASKS}"
    case "$launcher" in
        srun)
            launch=(srun --mpi="$srun_mpi" --nodes=$(((ranks - 1) / node + 1)) --ntasks="$ranks"
                --ntasks-per-node="$node" --cpus-per-task="$threads" --cpu-bind=cores --distribution=block) ;;
        mpirun)
            launch=(mpirun -n "$ranks" --map-by "slot:PE=$threads" --bind-to core) ;;
        *)
            echo "slurm/site.sh: the launcher must be srun or mpirun, got '$launcher'" >&2
            return 2 ;;
    esac
}
