# Package for Spack. It has not been built, and no linter of Spack has checked it.
# It takes the files of a checkout: put this file into a repository of Spack packages of yours as
# packages/py_ecsmpi/package.py, then, in the checkout: spack dev-build py-ecsmpi@0.1.0

from spack_repo.builtin.build_systems.python import PythonPackage

from spack.package import *


class PyEcsmpi(PythonPackage):
    """NEURON's extracellular space, rxd.Extracellular, distributed over MPI ranks."""

    license("BSD-3-Clause")

    version("0.1.0")

    variant("plot", default=False, description="Draw pictures and animations")

    depends_on("python@3.10:", type=("build", "run"))
    depends_on("py-setuptools@77:", type="build")
    depends_on("py-setuptools-scm@8:", type="build")
    depends_on("mpi", type=("build", "run"))
    depends_on("neuron@9.0.2:+mpi+python", type=("build", "run"))
    depends_on("py-h5py+mpi", type=("build", "run"))
    depends_on("py-mpi4py@4:", type=("build", "run"))
    depends_on("py-numba", type=("build", "run"))
    depends_on("py-numpy", type=("build", "run"))
    depends_on("py-sympy", type=("build", "run"))
    depends_on("py-matplotlib", type=("build", "run"), when="+plot")
    depends_on("py-pillow", type=("build", "run"), when="+plot")

    def setup_build_environment(self, env):
        env.set("SETUPTOOLS_SCM_PRETEND_VERSION", str(self.version))
