"""The version of the training code, apart from it so that reading it is cheap."""

#: Part of a bank's address: raise it whenever a change in this folder, or in the
#: normalisation of images, changes a trained model.
ENGINE_VERSION = 1
